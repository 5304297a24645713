import { Database } from '../../../database/database.ts';
import { embedSource, loadEmbedderFor } from '../../../embed/embed-queries.ts';
import { allBuckets } from '../../../search/in-place/ask-database.ts';
import { MOST_QUERIES } from '../../../search/in-place/ask-settings.ts';
import { REQUEST_EVENT } from '../ask-event.ts';
import { defineHandler, variable } from '../define-handler.ts';
import { storeQueries } from '../event-queries.ts';
import { LAMBDA_MESSAGES } from '../lambda-messages.ts';
import { checkQuestion, WrongQuestionError } from '../question-errors.ts';
import { resultKeys } from '../result-keys.ts';

/** Embeds the sequences of a question with the model of the stack, and stores the vectors. */
export const handler = defineHandler(
  'embed',
  REQUEST_EVENT,
  ({ execution }) => ({ execution }),
  async (event, call) => {
    const { execution, request } = event;
    const model = variable('LANCEFLOW_MODEL');
    if (model === 'none') throw new WrongQuestionError(LAMBDA_MESSAGES.noEmbedder);
    const source = { kind: 'text', text: request.sequences ?? '' } as const;
    await using embedder = await loadEmbedderFor(model, await attributesOfDatabase());
    // The client has refused nucleotides, unless the user allows them.
    const queries = await checkQuestion(() => embedSource(source, embedder, MOST_QUERIES, true));
    await storeQueries(call.results, resultKeys.queries(execution), queries);
    return { count: queries.ids.length, usage: call.usage() };
  },
);

/** Returns the attributes of the database's model, whose conventions the queries must follow. */
async function attributesOfDatabase() {
  const database = await Database.open(variable('LANCEFLOW_DATABASE'));
  const [first] = await allBuckets(database);
  return (await database.requireEntry(first!)).model;
}
