/** The machine of the estimates; all values are assumptions. */
export interface Machine {
  name: string;
  cores: number;
  dollarsPerHour: number;
  /** Rate of all its NVMe disks, mixed reading and writing. */
  diskBytesPerSecond: number;
  networkBytesPerSecond: number;
}

/** The article's machine. */
export const I4I: Machine = {
  name: 'i4i.8xlarge',
  cores: 32,
  dollarsPerHour: 2.746,
  diskBytesPerSecond: 2e9,
  networkBytesPerSecond: 18.75e9 / 8,
};
