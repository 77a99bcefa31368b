import * as assert from 'uvu/assert';
import { identityOf } from '../../upnp/igd/identity.js';
import { claims } from '../support/cases.js';

const MACHINE = '0123456789abcdef0123456789abcdef';

claims('the identity of a LAN', {
  // printf 'natpmp-server\0br-lan\0InternetGatewayDevice' | openssl dgst -sha256 -mac HMAC -macopt key:$MACHINE
  // e0b9cb0b37c69ece8e88bd423f51210c..., with the bits of the version and the variant.
  'U-20 is the same whenever it is made': () => {
    const want = {
      root: 'uuid:e0b9cb0b-37c6-5ece-8e88-bd423f51210c',
      wan: 'uuid:2ee2bc52-02c2-53bb-974f-72964ebbdd67',
      connection: 'uuid:9eff1670-5cb5-5733-be14-57285da66ee3',
    };
    assert.equal(identityOf(MACHINE, 'br-lan'), want);
    assert.equal(identityOf(`${MACHINE}\n`, 'br-lan'), want, 'as the file has it, with a line feed');
  },
  'U-20 has other UUIDs for each device, LAN and machine': () => {
    const all = [
      identityOf(MACHINE, 'br-lan'),
      identityOf(MACHINE, 'br-guest'),
      identityOf(MACHINE, ''),
      identityOf(MACHINE.replace('0', '1'), 'br-lan'),
    ].flatMap((identity) => Object.values(identity));
    assert.is(new Set(all).size, 12);
    for (const each of all)
      assert.match(each, /^uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  },
  'U-20 shows nothing of the machine id': () => {
    for (const each of Object.values(identityOf(MACHINE, 'br-lan')))
      for (let at = 0; at + 6 <= MACHINE.length; at++)
        assert.not.ok(each.replaceAll('-', '').includes(MACHINE.slice(at, at + 6)));
  },
});
