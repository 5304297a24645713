/** Small objects beside the tables: catalog entries and ingest records. Keys are `folder/name`. */
export interface ObjectStore {
  /** Names of the objects in a folder, sorted; none where it does not exist. */
  list(folder: string): Promise<string[]>;
  read(key: string): Promise<string | undefined>;
  /** Replaces the object in one step. */
  write(key: string, text: string): Promise<void>;
  /** Makes the object unless it is there. @returns whether it was made */
  create(key: string, text: string): Promise<boolean>;
  remove(key: string): Promise<void>;
}
