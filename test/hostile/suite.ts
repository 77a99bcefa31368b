// All attacks, one after the other, on one helper.

import type { Attack, Row } from './attack.js';
import { carryOut } from './attack.js';
import { FLOODS } from './attacks/floods.js';
import { FORMS_OF_FRAMES } from './attacks/forms.js';
import { PINHOLES } from './attacks/pinholes.js';
import { STATE } from './attacks/state.js';
import { TRANSPORT } from './attacks/transport.js';
import { USERS } from './attacks/users.js';
import { VALUES } from './attacks/values.js';
import { AttackTarget } from './attack-target.js';
import { startAttackedHelper } from './attacked-helper.js';

export const ATTACKS: readonly Attack[] = [
  ...VALUES,
  ...FORMS_OF_FRAMES,
  ...STATE,
  ...PINHOLES,
  ...USERS,
  ...TRANSPORT,
  ...FLOODS,
];

export interface AttackSuite {
  carryOut(attack: Attack): Promise<Row>;
  close(): Promise<void>;
}

/** `scale`: what the counts of the attacks are multiplied by. */
export async function openAttackSuite(scale: number): Promise<AttackSuite> {
  const helper = await startAttackedHelper();
  const target = await AttackTarget.open(helper, scale);
  return {
    carryOut: (attack) => carryOut(attack, target),
    async close() {
      target.close();
      await helper.close();
    },
  };
}
