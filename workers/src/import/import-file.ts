import { realpath, stat } from 'node:fs/promises';
import type { CommandContext, CommandResult } from '../app/command.ts';
import { columnLength } from '../base/bytes/utf8-column.ts';
import { withNaN } from '../base/columns/cells.ts';
import type { Column } from '../base/columns/column-type.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import { returnIfMissing } from '../base/missing-files.ts';
import { columnsNotThere } from '../shard/columns/column-messages.ts';
import { writeShardDescription } from '../shard/description-file.ts';
import { createShard } from '../shard/shard-writer.ts';
import * as messages from './import-messages.ts';
import { openVectors, type VectorFile } from './open-vectors.ts';

/** A file of vectors, and the shard to write. */
export interface ImportRequest extends VectorFile {
  output: string;
  description?: string | undefined;
  name: string;
}

/** Writes the vectors of a file of another tool as a shard. @throws DataError for a file that cannot be read */
export async function importVectors(request: ImportRequest, context: CommandContext): Promise<CommandResult> {
  const { input, ids: idFile, output, description, name } = request;
  for (const path of [input, idFile]) if (path !== undefined) await requireOther(path, output);
  await using source = await openVectors(request);
  const missing = typeof request.keep === 'object' ? missingColumns(request.keep, source.columns) : [];
  if (missing.length > 0) context.log(columnsNotThere(input, missing));
  const logNotes = () => source.notes.splice(0).forEach(context.log);
  logNotes();
  const { rows, dimension, vectorType, attributes, columns = [] } = source;
  const progress = context.progress('import-vectors', rows, 'vectors');
  await writeAtomically(output, async (temporary) => {
    const shard = await createShard(temporary, dimension, vectorType, columns);
    try {
      for await (const { vectors, ids, kept = [] } of source.blocks()) {
        // HDF5 has no null: as in the file that was read, NaN stands for it.
        shard.append(vectors, ids, {
          kept: kept.map((cells, i) => (columns[i]!.type === 'utf8' ? cells : withNaN(cells))),
        });
        logNotes();
        progress.add(columnLength(ids));
      }
      if (shard.rows === 0) throw messages.noRows(input);
      shard.finish(attributes);
    } catch (error) {
      await shard.abandon();
      throw error;
    }
  }).finally(progress.stop);
  if (description !== undefined)
    await writeAtomically(description, (temporary) => writeShardDescription(output, name, temporary, context));
  return { rows, bytes: (await stat(output)).size };
}

function missingColumns(keep: readonly string[], columns: readonly Column[] = []): string[] {
  return keep.filter((name) => !columns.some((column) => column.name === name));
}

/** @throws UsageError if the output would replace an input */
async function requireOther(path: string, output: string): Promise<void> {
  const [own, other] = await Promise.all(
    [path, output].map((each) => realpath(each).catch(returnIfMissing(undefined))),
  );
  if (own !== undefined && own === other) throw messages.isOutput(path);
}
