/** Keys of the objects of a question in the results' bucket; each prefix has an expiry rule (infra/lanceflow-ask.yaml). */
export const resultKeys = {
  queries: (execution: string) => `queries/${execution}.parquet`,
  plan: (execution: string) => `queries/${execution}.json`,
  part: (execution: string, bucket: string) => `parts/${execution}/${bucket}.parquet`,
  csv: (execution: string) => `answers/${execution}/neighbours.csv`,
  parquet: (execution: string) => `answers/${execution}/neighbours.parquet`,
  result: (execution: string) => `answers/${execution}/result.json`,
} as const;
