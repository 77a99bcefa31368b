// Kernel settings that make a mapping or a pinhole useless, each with its remedy.

import type { Log } from '../host/log.js';
import { kernelSetting } from '../host/machine.js';
import type { Config } from './config.js';

export function warnAboutKernel({ hairpin, pinholes }: Config, log: Log): void {
  if (kernelSetting('net/ipv4/ip_forward') === '0') {
    log.warn('this host forwards no packets, so no mapping can work: sysctl -w net.ipv4.ip_forward=1');
  }
  if (
    pinholes &&
    kernelSetting('net/ipv6/conf/all/disable_ipv6') === '0' &&
    kernelSetting('net/ipv6/conf/all/forwarding') === '0'
  ) {
    log.warn('this host forwards no IPv6 packets, so no pinhole can work: sysctl -w net.ipv6.conf.all.forwarding=1');
  }
  if (hairpin && kernelSetting('net/bridge/bridge-nf-call-iptables') === '1') {
    log.warn(
      'bridged packets pass the firewall, which breaks hairpin: sysctl -w net.bridge.bridge-nf-call-iptables=0, or --no-hairpin',
    );
  }
}
