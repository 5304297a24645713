import { loadCommand } from '../../workers/src/commands/index.ts';
import { parseArguments } from '../../workers/src/parse-arguments.ts';

/** Runs a command line inside this process, in silence. @returns its report */
export async function runHere(name: string, ...rest: string[]): Promise<Record<string, unknown>> {
  const command = await loadCommand(name);
  const silent = { progress: () => ({ add() {}, stop() {} }), log() {}, warn() {} };
  return { ...(await command.run(await parseArguments(name, command, rest), silent)) };
}
