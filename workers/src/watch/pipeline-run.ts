/** Status of a run whose process ended without a word to Nextflow's record. */
export const KILLED = 'KILLED';

/** A run that was started in a folder. */
export interface PipelineRun {
  name: string;
  startedMs: number;
  /** "OK" or "ERR"; undefined while it runs, and of a run that was killed: see KILLED. */
  status: string | undefined;
  /** Nextflow's own duration, once the run has ended. */
  duration: string | undefined;
}
