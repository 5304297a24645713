import groovy.json.JsonOutput
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest
import java.util.concurrent.ConcurrentHashMap

/** Identifies an embedder and a FASTA file by content, for the embedding cache: names, places and times do not count. */
class EmbeddingKey {

    private static final int BLOCK_BYTES = 1 << 20
    /** By path, because both halves of a run use the same model. */
    private static final Map<Path, HashedFile> MODEL_FILES = new ConcurrentHashMap<>()

    /**
     * Identifies everything that determines the vectors of a sequence and how they are stored, except the worker's code: an update must not cost
     * days of embedding. Where it changes vectors, it raises the version.
     * @param options of embed-sequences. `strict` does not count: see EmbeddingCache.find
     * @param files of the model's folder; none for kmer, and for a model on S3, whose address is in the options
     */
    static String ofEmbedder(Map options, List<Path> files) {
        def chosen = [vector_type: 'float32'] + options.findAll { name, value -> !(name in ['cache', 'strict']) && value != null }
        // A shard without columns has the key that it had before there were any.
        if (chosen.keep == 'none') chosen.remove('keep')
        def model = files.collect { file -> [file.name, hashed(file).hash] }.sort { pair -> pair[0] }
        def text = JsonOutput.toJson([version: version(), options: chosen.sort(), model: model])
        return shortened(sha256().digest(text.getBytes('UTF-8')))
    }

    /** Returns whether the files of a model are still those that `ofEmbedder` hashed. */
    static boolean isCurrent(List<Path> files) {
        return files.every { file -> hashed(file).isUnchanged() }
    }

    /** Returns the SHA-256 of a file in hexadecimal digits. A file on S3 is read once, as its task would. */
    static String ofFile(Path file) {
        def hash = sha256()
        def block = new byte[BLOCK_BYTES]
        Files.newInputStream(file).withCloseable { stream ->
            for (int count = stream.read(block); count >= 0; count = stream.read(block)) hash.update(block, 0, count)
        }
        return hash.digest().encodeHex().toString()
    }

    /** Returns the key of a FASTA file, or of a part, whose name is its key. */
    static String ofSequences(Path file) {
        return SequenceParts.keyOf(file) ?: ofFile(file).take(SequenceParts.KEY_DIGITS)
    }

    private static HashedFile hashed(Path file) {
        return MODEL_FILES.computeIfAbsent(file) { path -> new HashedFile(path, { content -> ofFile(content) }) }
    }

    private static String shortened(byte[] digest) {
        return digest.encodeHex().toString().take(SequenceParts.KEY_DIGITS)
    }

    private static MessageDigest sha256() {
        return MessageDigest.getInstance('SHA-256')
    }

    /** Without workers, as in a stub run of the bare pipeline, nothing is embedded. */
    private static int version() {
        def found = WorkerSources.document('embed/embedding-version.json')
        return found ? found.version : 0
    }
}
