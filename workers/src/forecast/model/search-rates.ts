/** How quickly a machine compares vectors, whatever the table. Seconds are of all cores together. */
export interface SearchRates {
  /** Operations a second, two a component, where many queries are compared with a block: products of codes. */
  flopsPerSecond: number;
  /** Seconds a row, whatever the queries, where products are of codes: the row is quantized. */
  rowSeconds: number;
  /** Seconds a query and block of a scan, where products are of codes: the query is quantized for the block. */
  queryBlockSeconds: number;
  /** Operations a second with few queries: products of float32. */
  fewFlopsPerSecond: number;
  /** Seconds a row, whatever the queries, where products are of float32. */
  fewRowSeconds: number;
  /** Seconds of a true distance. */
  distanceSeconds: number;
}
