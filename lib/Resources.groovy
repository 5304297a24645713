import nextflow.Global
import nextflow.util.MemoryUnit

/**
 * What a stage needs of its machine's disk, from what is known of its bucket; null where it needs none of its own, because the
 * database is a folder. The figures are those of docs/scale.md, "Sizes".
 */
class Resources {

    private static final Map<String, Integer> COMPONENT_BYTES = [float32: 4, float16: 2]
    /** Of an id with what points to it; those of UniProt have up to 30 letters. */
    private static final long ID_BYTES = 32
    /** Of the models that are in use most: AMPLIFY_350M, and kmer. */
    private static final long USUAL_DIMENSION = 960
    private static final long GB = 1000L * 1000L * 1000L
    /** Of a disk: the rest is for the file system, and for what tasks write besides. */
    private static final double USABLE = 0.95

    /**
     * The facts of a bucket that its stages' needs follow from. They are an input of these stages, so nothing may be in here that is
     * no fact of the plan.
     * @param bucket of a bucket plan, already checked
     */
    static Map<String, Long> sizeOf(Map bucket, long dimension) {
        // A shard is staged whole, also where only a part of its rows is in the bucket.
        def shards = bucket.sources.collectEntries { source -> [(source.shard): source] }.values()
        return [
            rows: bucket.rows as long,
            dimension: dimension,
            shard_bytes: shards.sum(0L) { source -> (source.rows as long) * dimension * COMPONENT_BYTES[source.vectorType] } as long,
        ]
    }

    /** The shards, where they are copied to the machine; the runs of the sort, always of float32; the table. */
    static MemoryUnit ingest(Map size, Map layout, String database, boolean copied = isCopied()) {
        def shards = copied ? size.shard_bytes + size.rows * ID_BYTES : 0L
        def runs = layout.order == 'partition' ? bytesOf(size, 'float32') : 0L
        def made = DatabaseUri.isRemote(database) ? runs + bytesOf(size, layout.vector_type) : 0L
        return unit(shards + made)
    }

    /** The table and its index, three times: LanceDB sorts the codes through temporary files. */
    static MemoryUnit index(Map size, String index, String database) {
        if (!DatabaseUri.isRemote(database)) return null
        def codes = index == 'ivf-rq' ? size.dimension.intdiv(8) + 16 : size.dimension.intdiv(16) + 8
        def centres = Math.sqrt(size.rows as double) * size.dimension * 4
        return unit(bytesOf(size, vectorType()) + 3 * (size.rows * codes + (centres as long)))
    }

    /**
     * The table with its index, which is fetched.
     * @param bytes of its catalog entry; null where that is not known
     */
    static MemoryUnit search(Object bytes, Map options, String database) {
        if (!DatabaseUri.isRemote(database) || options.stream) return null
        def size = [rows: Global.session.params.bucket_size as long, dimension: USUAL_DIMENSION]
        return unit(bytes == null ? bytesOf(size, vectorType()) : bytes as long)
    }

    /** Stops the run where a bucket cannot be built on AWS: before its shards are copied to a machine whose disk they fill. */
    static void requireDisk(String bucket, Map size, Map layout, String database) {
        if (!isBatch()) return
        def problem = problemWith(bucket, ingest(size, layout, database), Global.session.params.aws_storage_disk)
        if (problem) Parameters.stop(problem)
    }

    /** Whether tasks run on AWS Batch. */
    static boolean isBatch() {
        return Global.session.config.process?.executor == 'awsbatch'
    }

    /** What is wrong with a bucket for machines whose disk has `diskGb`; null where nothing is. */
    static String problemWith(String bucket, MemoryUnit needed, Number diskGb) {
        def usable = (diskGb * GB * USABLE) as long
        if (!needed || needed.toBytes() <= usable) return null
        return "${bucket}: building it takes ${shown(needed.toBytes())} of disk (its shards, the runs of the sort, the table), and " +
            "a machine has ${shown(usable)} to use (--aws_storage_disk ${diskGb}). Use a smaller --bucket_size (and smaller shards: " +
            "each is copied whole), --vector_type float16, or machines with a larger disk."
    }

    private static String shown(long bytes) {
        return "${Math.max(1L, Math.round(bytes / (double) GB))} GB"
    }

    private static long bytesOf(Map size, String type) {
        return size.rows * (size.dimension * COMPONENT_BYTES[type] + ID_BYTES)
    }

    private static String vectorType() {
        return Global.session.params.vector_type
    }

    /** Whether inputs are copied to the machine of their task: a work folder on S3. */
    private static boolean isCopied() {
        return Global.session.workDir.fileSystem.provider().scheme != 'file'
    }

    private static MemoryUnit unit(long bytes) {
        return bytes > 0 ? new MemoryUnit(bytes) : null
    }
}
