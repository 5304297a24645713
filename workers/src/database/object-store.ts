/** Reads and writes small objects beside the tables: catalog entries and ingest records. Keys are `folder/name`. */
export interface ObjectStore {
  /** Lists the names of the objects in a folder, sorted; empty if the folder does not exist. */
  list(folder: string): Promise<string[]>;
  /** Reads an object; undefined if it does not exist. */
  read(key: string): Promise<string | undefined>;
  /** Replaces the object in one step. */
  write(key: string, text: string): Promise<void>;
  /** Creates the object unless it exists. @returns whether it was created */
  create(key: string, text: string): Promise<boolean>;
  /** Removes the object if it exists. */
  remove(key: string): Promise<void>;
}
