// All targets, those that read what anyone may send first.

import type { Target } from './target.js';
import { codec } from './targets/codec.js';
import { gateway } from './targets/gateway.js';
import { groups } from './targets/groups.js';
import { helper } from './targets/helper.js';
import { igd } from './targets/igd.js';
import { journal } from './targets/journal.js';
import { kernel } from './targets/kernel.js';
import { netlink } from './targets/netlink.js';
import { pcp } from './targets/pcp.js';
import { pcpWire } from './targets/pcp-wire.js';
import { route } from './targets/route.js';
import { ssdp } from './targets/ssdp.js';
import { upnpHttp } from './targets/upnp-http.js';
import { upnpSoap } from './targets/upnp-soap.js';
import { wire } from './targets/wire.js';
import { zmtp } from './targets/zmtp.js';

export const TARGETS: readonly Target[] = [
  wire,
  pcpWire,
  upnpHttp,
  upnpSoap,
  gateway,
  pcp,
  ssdp,
  igd,
  codec,
  zmtp,
  helper,
  netlink,
  kernel,
  route,
  journal,
  groups,
];
