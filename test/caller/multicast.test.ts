import { closeSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { bindingOf, IPV4, ReceiveBatch } from '../../caller/datagrams.js';
import { joinGroup, prepareMulticast } from '../../caller/multicast.js';
import { openUdp } from '../../cli/server/sockets.js';
import { ip } from '../frontend/support.js';
import { claims, skip } from '../support/cases.js';
import { canMakeNetns } from '../support/netns.js';
import { cable, Namespace } from '../support/network.js';

const GROUP = ip('239.255.255.250');
const ENODEV = 19;
const EBADF = 9;

claims('multicast', {
  'a group is joined on an interface that has no address, from another network namespace, and a second time':
    async () => {
      if (!canMakeNetns()) return skip('multicast in a namespace', 'needs root');
      const [router, host] = await Promise.all([Namespace.open(), Namespace.open()]);
      await cable({ in: router, device: 'lan0' }, { in: host, device: 'eth0', addresses: ['192.168.1.2/24'] });
      const fd = router.during(() => openUdp(0, 1900, 'lan0'));
      const binding = bindingOf(fd);
      const { interfaceIndex } = binding;
      prepareMulticast(fd, 2);
      // Another program is a member of another group, so its datagrams come in too.
      const other = router.during(() => openUdp(0, 0, 'lan0'));
      assert.is(joinGroup(other, ip('239.255.255.251'), interfaceIndex), 0);
      const incoming = new ReceiveBatch(IPV4);
      // On a veth what is sent is there.
      const send = (): Promise<string> =>
        host.must('python3', ['-c', SEND, 'eth0', '239.255.255.250', '239.255.255.251']);
      await send();
      assert.is(incoming.take(fd), 0, 'not before it is joined');
      assert.is(joinGroup(fd, GROUP, interfaceIndex), 0);
      assert.is(joinGroup(fd, GROUP, interfaceIndex), 0, 'it is a member already');
      assert.match(await router.must('ip', ['maddr', 'show', 'dev', 'lan0']), /239\.255\.255\.250/);
      await send();
      assert.is(incoming.take(fd), 1, 'and not what was sent to another group');
      assert.is(incoming.destination(0), GROUP);
      assert.is(joinGroup(fd, GROUP, 4711), ENODEV);
      closeSync(fd);
      assert.not.match(await router.must('ip', ['maddr', 'show', 'dev', 'lan0']), /239\.255\.255\.250/);
      for (const namespace of [router, host]) namespace.close();
    },
  'an interface that is created again with the same index is joined again': async () => {
    if (!canMakeNetns()) return skip('multicast in a namespace', 'needs root');
    const router = await Namespace.open();
    const create = () => router.ip('link add lan0 index 4711 type bridge', 'link set lan0 up');
    const groups = () => router.must('ip', ['maddr', 'show', 'dev', 'lan0']);
    await create();
    const fd = router.during(() => openUdp(0, 1900, 'lan0'));
    assert.is(joinGroup(fd, GROUP, 4711), 0);
    assert.match(await groups(), /239\.255\.255\.250/);
    await router.ip('link del lan0');
    assert.is(joinGroup(fd, GROUP, 4711), ENODEV, 'while it is gone');
    await create();
    assert.not.match(await groups(), /239\.255\.255\.250/, 'the kernel has forgotten');
    assert.is(joinGroup(fd, GROUP, 4711), 0);
    assert.match(await groups(), /239\.255\.255\.250/);
    closeSync(fd);
    router.close();
  },
  'a descriptor that is none': () => {
    assert.is(joinGroup(0x7fff, GROUP, 1), EBADF);
    assert.throws(() => prepareMulticast(0x7fff, 2), 'file descriptor 32767: multicast option 33: errno 9');
  },
});

/** Send one datagram to each group. */
const SEND = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
for group in sys.argv[2:]: s.sendto(b'x', (group, 1900))
`;
