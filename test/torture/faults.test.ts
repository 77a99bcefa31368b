// Disk, kernel and clock fail under a real helper; `npm run torture` knows more ways.
import * as assert from 'uvu/assert';
import { cases } from '../support/cases.js';
import { FAULT_ROWS } from './fault-rows.js';
import { openGatewayWithFaults, underFault } from './under-faults.js';

const withFaults = await openGatewayWithFaults(7);
if (withFaults !== null) {
  cases(
    'nothing acknowledged is lost, nothing ended revived',
    FAULT_ROWS.filter(({ isShort }) => isShort === true),
    async (row) => {
      assert.ok((await underFault(withFaults, row)) > 0);
      const { lost, revived, other } = withFaults.gateway.findings;
      assert.equal([lost.splice(0), revived.splice(0), other.splice(0)], [[], [], []]);
    },
  );
}
