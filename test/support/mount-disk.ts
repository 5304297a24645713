import { run } from './run.ts';

/** Mounts a file system of this size on a folder; the test unmounts it. @returns false where the test may not, for lack of root */
export async function mountDisk(folder: string, size: string): Promise<boolean> {
  const { code } = await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]).catch(() => ({
    code: 1,
  }));
  return code === 0;
}
