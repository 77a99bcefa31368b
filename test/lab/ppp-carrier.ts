// Carries packets between two TUN devices, which it has as descriptors 3 and 4, until it is killed.

import { read, writeSync } from 'node:fs';

const MTU = 65_536;

function carry(from: number, to: number): void {
  const packet = Buffer.alloc(MTU);
  const next = () =>
    read(from, packet, 0, MTU, null, (error, length) => {
      if (error === null) {
        try {
          writeSync(to, packet, 0, length);
        } catch {
          // The device is not up yet: lost, as on any line.
        }
      }
      next();
    });
  next();
}

carry(3, 4);
carry(4, 3);
