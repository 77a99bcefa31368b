# A complete router, shown in docs/nixos.md and evaluated by the checks.
{
  networking = {
    nftables.enable = true;
    bridges.br-lan.interfaces = [ "lan0" ];
    interfaces.br-lan.ipv4.addresses = [
      {
        address = "192.168.1.1";
        prefixLength = 24;
      }
    ];
    nat = {
      enable = true;
      externalInterface = "wan0";
      internalInterfaces = [ "br-lan" ];
    };
    firewall.filterForward = true;
  };

  services.natpmp-server = {
    enable = true;
    openFirewall = true;
  };
}
