# Three machines: a router with this module, a host on its LAN, and a host outside. For pkgs.testers.runNixOSTest.
{ module }:
let
  address = ip: [
    {
      address = ip;
      prefixLength = 24;
    }
  ];
  wan = "203.0.113.1";
  lan = "192.168.77.1";
  second = "192.168.77.2";
in
{
  name = "natpmp-server";

  nodes = {
    router =
      { lib, ... }:
      {
        imports = [ module ];
        # eth1 is outside, eth2 the LAN.
        virtualisation.vlans = [
          1
          2
        ];
        networking = {
          interfaces.eth1.ipv4.addresses = lib.mkForce (address wan);
          interfaces.eth2.ipv4.addresses = lib.mkForce (address lan);
          nftables.enable = true;
          firewall.filterForward = true;
          nat = {
            enable = true;
            externalInterface = "eth1";
            internalInterfaces = [ "eth2" ];
          };
        };
        services.natpmp-server = {
          enable = true;
          openFirewall = true;
          upnp.enable = true;
        };
        # Configurations to switch to.
        specialisation = {
          changed.configuration.services.natpmp-server = {
            natTable = "portmap";
            hairpin = false;
            metrics.enable = true;
            listenInterfaces.eth2.listenAddresses = [
              "${lan}/24"
              "${second}/24"
            ];
            rules = [
              {
                action = "allow";
                host = "192.168.77.0/24";
                maxMappings = 2;
              }
            ];
          };
          off.configuration.services.natpmp-server.enable = lib.mkForce false;
        };
      };

    client =
      { lib, pkgs, ... }:
      {
        virtualisation.vlans = [ 2 ];
        networking = {
          interfaces.eth1.ipv4.addresses = lib.mkForce (address "192.168.77.10");
          defaultGateway = lan;
          firewall.allowedTCPPorts = [ 8080 ];
        };
        # The programs, without the gateway.
        environment.systemPackages = [
          (pkgs.callPackage ./package.nix { })
          pkgs.libnatpmp
          pkgs.miniupnpc
        ];
        systemd.services.web = {
          wantedBy = [ "multi-user.target" ];
          script = ''
            mkdir -p /srv/web
            echo served >/srv/web/index.html
            exec ${lib.getExe pkgs.python3Minimal} -m http.server --directory /srv/web 8080
          '';
        };
      };

    outside =
      { lib, pkgs, ... }:
      {
        virtualisation.vlans = [ 1 ];
        networking.interfaces.eth1.ipv4.addresses = lib.mkForce (address "203.0.113.9");
        environment.systemPackages = [ pkgs.curl ];
      };
  };

  testScript = ''
    fetch = "curl --silent --fail --max-time 5 http://${wan}:8080"
    frontend = "natpmp-frontend@eth2.service"
    upnp = "natpmp-upnp@eth2.service"
    helper = "natpmp-helper.service"


    def reachable(why):
        with subtest(f"the mapping works {why}"):
            outside.wait_until_succeeds(f"{fetch} | grep served", timeout=30)


    def unit_is_back(unit):
        router.wait_until_succeeds(f"systemctl is-active {unit}", timeout=30)


    start_all()
    router.wait_for_unit("natpmp-server.target")
    router.wait_for_unit(helper)
    router.wait_for_unit(frontend)
    router.wait_for_unit(upnp)
    client.wait_for_unit("web.service")
    client.wait_for_open_port(8080)
    outside.wait_for_unit("network.target")

    with subtest("nothing is open before"):
        outside.fail(fetch)

    with subtest("the external address"):
        client.wait_until_succeeds("natpmp-client ${lan} info | grep ${wan}", timeout=30)

    with subtest("nobody answers outside"):
        outside.fail("curl --silent --max-time 3 http://${wan}:5351")
        outside.fail("curl --silent --max-time 3 http://${wan}:2869/igd.xml")

    with subtest("a mapping by our client and by libnatpmp"):
        client.succeed("natpmp-client ${lan} map 8080 8080 tcp 3600 | grep 'external port 8080'")
        client.succeed("natpmpc -g ${lan} -a 9090 9090 udp 3600 | grep 9090")
        router.succeed("natpmpctl list | grep 8080")
    with subtest("a mapping by UPnP"):
        # By its address: the firewall of the client drops replies to searches by multicast.
        igd = "upnpc -u http://${lan}:2869/igd.xml"
        client.succeed(f"{igd} -a 192.168.77.10 8081 8081 TCP 600 | grep 'is redirected to internal IP:8081'")
        client.succeed(f"{igd} -d 8081 TCP")
    reachable("at once")

    router.succeed("systemctl reload nftables")
    reachable("after a reload of the firewall")
    router.succeed("nft flush ruleset", "systemctl restart nftables")
    reachable("after the loss of all rules")

    for unit in [frontend, upnp, helper]:
        router.succeed(f"systemctl kill --signal=KILL {unit}")
        unit_is_back(unit)
        reachable(f"after the end of {unit}")
        client.wait_until_succeeds("natpmp-client ${lan} map 8080 8080 tcp 3600", timeout=30)

    def switch(to):
        router.succeed(f"/run/booted-system{to}/bin/switch-to-configuration test")


    switch("/specialisation/changed")
    reachable("after a switch to another table, another ruleset and another limit")
    with subtest("what was switched to is served"):
        # The address is not in the configuration here: the socket does not need it.
        router.succeed("ip address add ${second}/24 dev eth2", "nft list table inet portmap")
        client.wait_until_succeeds("natpmp-client ${second} info | grep ${wan}", timeout=30)
        router.wait_until_succeeds("curl --silent --fail http://127.0.0.1:9551/metrics", timeout=30)
        client.fail("natpmp-client ${lan} map 9200 9200 udp 60")
    switch("/specialisation/off")
    with subtest("enable = false closes what was open"):
        outside.fail(fetch)
        client.fail("natpmp-client ${lan} info")
        router.fail("nft list ruleset | grep -i natpmp")
    switch("")
    reachable("after a switch back, without being asked for again")

    with subtest("the sandbox"):
        for unit, most in [(frontend, 2), (upnp, 2), (helper, 6)]:
            router.succeed(f"systemd-analyze security --threshold={most} {unit}")

    router.shutdown()
    router.start()
    router.wait_for_unit(helper)
    reachable("after a reboot, without being asked for again")

    with subtest("and ends when it is deleted"):
        client.wait_until_succeeds("natpmp-client ${lan} unmap 8080 tcp", timeout=30)
        outside.fail(fetch)
  '';
}
