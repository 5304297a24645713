import type { Architecture } from './architecture.ts';
import type { ModelConfig } from './config.ts';
import { amplify } from './families/amplify.ts';
import { esm1, esm2 } from './families/esm2.ts';
import { esmC, esmPlusPlus } from './families/esmc.ts';
import { t5 } from './families/t5.ts';

/** The supported architectures. To add one, see docs/adding-a-model.md. */
export const ARCHITECTURES: readonly Architecture[] = [amplify, esm2, esm1, esmC, esmPlusPlus, t5];

/** Returns the architecture of a config.json. @throws DataError if it is unknown */
export function architectureOf(config: ModelConfig): Architecture {
  const modelType = config.text('model_type', '');
  const found = ARCHITECTURES.find((known) => known.modelType === modelType && (known.isOf?.(config) ?? true));
  if (found) return found;
  const known = ARCHITECTURES.map(({ name, modelType }) => `${name} (${JSON.stringify(modelType)})`).join(', ');
  throw config.wrong('model_type', `one of the known architectures: ${known}`);
}
