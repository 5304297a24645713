/** The name of standard input among the inputs; `-` on a command line. */
export const STANDARD_INPUT = '/dev/stdin';
