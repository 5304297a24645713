import { defineCommand } from '../../app/command.ts';
import { counted } from '../../base/text/counted.ts';
import { openBatch, useRegion } from '../../cloud/clients.ts';
import { checkCampaign, taskQueuesOf } from '../../cloud/launch/campaign.ts';
import { endTasks, waitForEnd } from '../../cloud/launch/tasks.ts';

const POLL_MS = 2_000;

export const command = defineCommand({
  describe:
    'Ends the waiting and running tasks of a campaign on AWS, which it finds by their tag, but not the head. A head that AWS Batch ' +
    'restarts calls this first, because no other process ends the tasks of its previous attempt.',
  options: {
    campaign: { type: 'string', demandOption: true, describe: 'Name of the campaign' },
    queue: {
      type: 'array',
      string: true,
      default: taskQueuesOf({}),
      describe: "Job queues of the campaign's tasks",
    },
  },
  examples: [['end-tasks --campaign soil', "End the campaign's tasks"]],

  async run(args, { log }) {
    const campaign = checkCampaign(args.campaign);
    const batch = await openBatch(await useRegion(undefined));
    const ids = await endTasks(batch, args.queue, campaign, `the head of campaign ${campaign} starts again`);
    if (ids.length > 0) log(`${campaign}: ending ${counted(ids.length, 'task')} of its previous head`);
    const active = await waitForEnd(batch, ids, POLL_MS);
    return { rows: ids.length, bytes: 0, campaign, active };
  },

  summary: ({ campaign, rows, active }) =>
    `end-tasks: ${counted(rows, 'task')} of ${campaign} ended${active === 0 ? '' : `, ${active} still running`}`,
});
