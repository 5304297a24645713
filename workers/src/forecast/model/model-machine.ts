/** What limits a phase: all values are of the whole machine. */
export interface Machine {
  name: string;
  cores: number;
  dollarsPerHour: number;
  /** Rate of all its disks, mixed reading and writing. */
  diskBytesPerSecond: number;
  networkBytesPerSecond: number;
}
