// All attacks, one after the other, on one helper.

import type { Attack, Row } from './attack.js';
import { carryOut } from './attack.js';
import { FLOODS } from './attacks/floods.js';
import { FORMS_OF_FRAMES } from './attacks/forms.js';
import { STATE } from './attacks/state.js';
import { TRANSPORT } from './attacks/transport.js';
import { USERS } from './attacks/users.js';
import { VALUES } from './attacks/values.js';
import { Ground } from './ground.js';
import { openRig } from './rig.js';

export const ATTACKS: readonly Attack[] = [...VALUES, ...FORMS_OF_FRAMES, ...STATE, ...USERS, ...TRANSPORT, ...FLOODS];

export interface Battle {
  carryOut(attack: Attack): Promise<Row>;
  close(): Promise<void>;
}

/** `scale`: what the counts of the attacks are multiplied by. */
export async function openBattle(scale: number): Promise<Battle> {
  const rig = await openRig();
  const ground = await Ground.open(rig, scale);
  return {
    carryOut: (attack) => carryOut(attack, ground),
    async close() {
      ground.close();
      await rig.close();
    },
  };
}
