import java.nio.ByteBuffer
import java.nio.file.Path
import java.security.MessageDigest

/**
 * Divides shards into batches, one for each DESCRIBE_SHARD task: 100,000 small shards must not become 100,000 tasks. A batch is a run of
 * shards sorted by source. Whether it ends after a shard depends only on the source and size of that shard. Therefore a shard that is added,
 * removed or replaced changes one batch, at most two, and -resume reuses the others
 * (docs/adr/0027-shards-are-described-in-batches.md).
 */
class ShardBatches {

    /** Mean shard count of batches of small shards, and mean byte count of batches of large shards. docs/guide.md names both. */
    private static final long MEAN_SHARDS = 250
    private static final long MEAN_BYTES = 500_000_000
    /** Maximum size of a batch, as a multiple of these means. It ends one batch in fifty, which moves the ends of a few others. */
    private static final int MAX_SHARE = 4
    /** Assumed size of a shard of unknown size, because finding it would take a request per shard. */
    private static final long UNKNOWN_BYTES = 20_000_000

    /**
     * Divides shards into batches.
     * @param files shards, see InputFiles.resolve, sorted by source
     * @return [sources, files] of each batch. A shard of MEAN_BYTES or more forms its own batch.
     */
    static List<List<List>> of(List<Map> files) {
        def batches = []
        def batch = []
        def used = 0.0d
        def end = {
            if (batch) batches << [batch*.source, batch*.path]
            batch = []
            used = 0.0d
        }
        files.each { file ->
            def share = shareOf(file)
            if (share >= 1 || used + share > MAX_SHARE) end()
            batch << file
            used += share
            if (numberOf(file.source) < share) end()
        }
        end()
        return batches
    }

    /** Returns the names of a batch's descriptions, in the order of its shards. */
    static List<String> descriptions(List<String> sources) {
        return (1..sources.size()).collect { number -> "${number}.description".toString() }
    }

    /**
     * Collects the descriptions of all shards.
     * @param described [source, description or folder, name in the folder] of each shard
     * @return [descriptions, and folders, each once; [position in that list, name in the folder, source] of each shard]
     */
    static List<List> gather(List<List> described) {
        def files = []
        def folders = [:]
        def add = { Path file -> files << file; files.size() - 1 }
        // Two files of the same content have the same description in the cache: each is an input of its own.
        def order = described.collect { source, file, name -> [name ? folders.computeIfAbsent(file, add) : add(file), name, source] }
        return [files, order]
    }

    /** Returns a shard's share of a mean batch. */
    private static double shareOf(Map file) {
        return Math.max(1 / MEAN_SHARDS as double, (file.bytes == null ? UNKNOWN_BYTES : file.bytes) / MEAN_BYTES as double)
    }

    /** Hashes a text to a number from 0 to 1, uniformly. */
    private static double numberOf(String source) {
        def hash = MessageDigest.getInstance('SHA-256').digest(source.getBytes('UTF-8'))
        return (ByteBuffer.wrap(hash).getLong() >>> 11) / (double) (1L << 53)
    }
}
