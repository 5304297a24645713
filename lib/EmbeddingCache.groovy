import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.channels.FileChannel
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import java.nio.file.StandardOpenOption
import java.nio.file.attribute.FileTime
import java.util.concurrent.ConcurrentHashMap
import nextflow.Nextflow
import org.slf4j.LoggerFactory

/**
 * Shards of earlier runs, by content: a FASTA file, or a part of one, that was embedded with the same model and options is not embedded again,
 * whatever was run since (docs/adr/0043-embeddings-are-found-by-content.md). `-resume` would find it only in the last run.
 *
 * An entry is the folder `<embedder>/<content>` with the shard, its description, the task's report, its list of skipped records, and `entry.json`, which lists them. It
 * appears in one step, and is never changed. On S3, which has no links, it is `entry.json` alone and names the task's outputs in the
 * work folder.
 */
class EmbeddingCache {

    private static final String LIST = 'entry.json'
    /** Only `skipped` may be missing. */
    private static final List<String> ROLES = ['shard', 'description', 'report', 'skipped']

    private final Path root
    private final Map options
    private final List<Path> model
    /** Files that were looked up, by source. */
    private final Map<String, HashedFile> lookedUp = new ConcurrentHashMap<>()
    private Path folder
    private boolean warned

    /** @param root see `place`; null if nothing is kept @param options of embed-sequences @param model see EmbeddingKey.ofEmbedder */
    EmbeddingCache(Path root, Map options, List<Path> model) {
        this.root = root
        this.options = options
        this.model = model
    }

    /**
     * Returns the folder of the cache: --embedding_cache, or `embeddings` beside the work folder, so that deleting `work/` keeps it. It is inside
     * the work folder on S3, where all roles may write, and objects expire together; and if nothing beside it can have hard links
     * to its files, as beside a mounted folder, or a link to another disk. null for `none`.
     */
    static Path place(Object value, Path work) {
        def onS3 = S3Files.has(work)
        if (value == 'none') return null
        if (value == null) return !onS3 && canLinkBeside(work) ? work.resolveSibling('embeddings') : work.resolve('embeddings')
        def folder = HostPath.named(value, '--embedding_cache')
        if (S3Files.has(folder) != onS3 || value.toString() =~ /^(?!s3:)[A-Za-z][A-Za-z0-9+.-]*:\/\//)
            Parameters.stop("--embedding_cache ${value}: it must be ${onS3 ? 'an s3:// prefix, as' : 'a folder, as'} the work folder (-work-dir) is.")
        Staging.checkFolder(folder, "--embedding_cache")
        if (!onS3 && Files.exists(folder) && !Files.isDirectory(folder)) Parameters.stop("--embedding_cache ${value} is a file; name a folder.")
        return folder
    }

    private static boolean canLinkBeside(Path work) {
        def parent = work.parent
        if (!parent || !Files.isWritable(parent)) return false
        if (work.fileSystem != FileSystems.default || !Files.exists(work)) return true
        return Files.getAttribute(work, 'unix:dev') == Files.getAttribute(parent, 'unix:dev')
    }

    /**
     * Looks up files.
     * @param files [source, FASTA file or part]
     * @return [source, key, file, entry: [shard, description, report, list of skipped records if any], or null if the file must be embedded] in the same order
     */
    List<List> find(List<List> files) {
        if (!root) return files.collect { source, file -> [source, '', file, null] }
        def found = S3Files.concurrently(files) { List row -> lookUp(row[0], row[1]) }
        def known = found.count { row -> row[3] }
        if (known) log.info("Not embedded again: ${known} of ${found.size()} FASTA files or parts, which are in ${root.toUriString()}")
        return found
    }

    /**
     * Keeps the outputs of a task. In a folder, the task's outputs become links to the entry, so that the vectors are stored once.
     * @param files shard, description, report, list of skipped records if any
     * @return these, where later runs will find them
     */
    List<Path> keep(String source, String key, List<Path> files) {
        if (!key) return files
        try {
            // Its vectors would be found under the hash of the earlier content.
            def changed = lookedUp[source]?.isUnchanged() == false ? 'the file' : !EmbeddingKey.isCurrent(model) ? 'the model' : null
            if (changed) {
                log.warn("The embeddings of ${source} were not kept: ${changed} was changed during the run. A later run embeds it again.")
                return files
            }
            return S3Files.has(root) ? note(key, files) : store(key, files)
        }
        catch (Exception problem) {
            warnOnce("The embeddings of ${source} were not kept in ${root.toUriString()}: ${reasonOf(problem)}. A later run embeds them again.")
            return files
        }
    }

    private List lookUp(String source, Path file) {
        try {
            lookedUp[source] = new HashedFile(file, { path -> EmbeddingKey.ofSequences(path) })
            def key = lookedUp[source].hash
            def found = entry(home().resolve(key))
            // With --strict, a task refuses the file.
            return [source, key, file, options.strict && found?.size() == ROLES.size() ? null : found]
        }
        catch (Exception problem) {
            // A file that cannot be read is reported by its task.
            warnOnce("The embedding cache in ${root.toUriString()} was not used for ${source}: ${reasonOf(problem)}.")
            return [source, '', file, null]
        }
    }

    /** Reads an entry; null if there is none. Removes a damaged one. */
    private List<Path> entry(Path place) {
        def list = place.resolve(LIST)
        try {
            def files = parse(list.getText('UTF-8'))
            def problem = problemWith(place, files)
            if (!problem) return use(place, files)
            // On S3, the files expire with the work folder.
            if (S3Files.has(place)) return null
            log.warn("${place}: this entry of the embedding cache is damaged (${problem}). It is removed, and its file is embedded again.")
        }
        catch (NoSuchFileException _absent) {
            if (S3Files.has(place) || !Files.exists(place)) return null
        }
        def aside = temporary(place.fileName.toString())
        Files.move(place, aside, StandardCopyOption.ATOMIC_MOVE)
        aside.deleteDir()
        return null
    }

    /** Returns the files that a list names, by role; null if it is not JSON. */
    private static Object parse(String text) {
        try {
            return new JsonSlurper().parseText(text)
        }
        catch (groovy.json.JsonException | IllegalArgumentException _problem) {
            return null
        }
    }

    private List<Path> use(Path place, Map files) {
        try {
            // clean-cache removes what was not used for a long time. Nothing else reads this time.
            if (!S3Files.has(place)) Files.setLastModifiedTime(place.resolve(LIST), FileTime.fromMillis(System.currentTimeMillis()))
        }
        catch (IOException _problem) {
            // The cache of another user.
        }
        return ROLES.findAll { role -> files[role] }.collect { role -> resolve(place, files[role].path) }
    }

    private static String problemWith(Path place, Object files) {
        if (files == null) return "${LIST} is not JSON"
        if (!(files instanceof Map) || files.version != 1 || !ROLES.every { role -> files[role] ? files[role].path && files[role].bytes != null : role == 'skipped' })
            return "${LIST} does not list its files"
        def wrong = ROLES.find { role -> files[role] && sizeOf(resolve(place, files[role].path)) != files[role].bytes }
        if (wrong) return "its ${wrong} is missing or has another size"
        def shard = resolve(place, files.shard.path)
        // Reading terabytes at each start would take hours. The time shows a change; INGEST_BUCKET checks the content of all it reads.
        if (S3Files.has(place) || Files.getLastModifiedTime(shard).toMillis() == files.shard.modified) return null
        return EmbeddingKey.ofFile(shard) == files.shard.hash ? null : 'its shard has another content'
    }

    private static Long sizeOf(Path file) {
        if (S3Files.has(file)) return S3Files.look(file).bytes
        return Files.isRegularFile(file) ? Files.size(file) : null
    }

    private static Path resolve(Path place, String path) {
        return path.contains('://') ? HostPath.named(path, '--embedding_cache') : place.resolve(path)
    }

    /** Writes an entry that names the files where they are. */
    private List<Path> note(String key, List<Path> files) {
        home().resolve(key).resolve(LIST).setText(listOf(files) { file -> file.toUriString() }, 'UTF-8')
        return files
    }

    /** Makes an entry in one step. If another run has made it meanwhile, that one is used. */
    private List<Path> store(String key, List<Path> files) {
        def place = home().resolve(key)
        def made = temporary(key)
        try {
            Files.createDirectories(made)
            files.each { file -> link(file, made.resolve(file.name)) }
            made.resolve(LIST).setText(listOf(files) { file -> file.name }, 'UTF-8')
            def kept = moveOrFind(made, place)
            [files, kept].transpose().each { file, target -> replaceByLink(file, target) }
            return kept
        }
        finally {
            if (Files.exists(made)) made.deleteDir()
        }
    }

    private List<Path> moveOrFind(Path made, Path place) {
        try {
            Files.move(made, place, StandardCopyOption.ATOMIC_MOVE)
        }
        catch (IOException problem) {
            // A folder with files is not replaced.
            def other = entry(place)
            if (other) return other
            if (Files.exists(place)) throw problem
            Files.move(made, place, StandardCopyOption.ATOMIC_MOVE)
        }
        return entry(place)
    }

    private static void link(Path file, Path target) {
        try {
            // Of the file itself, because it is a link if -resume finds it in a task that another cache kept.
            Files.createLink(target, file.toRealPath())
        }
        catch (UnsupportedOperationException | IOException _problem) {
            // Another file system, or one without links.
            Files.copy(file, target, StandardCopyOption.COPY_ATTRIBUTES)
            FileChannel.open(target, StandardOpenOption.READ).withCloseable { channel -> channel.force(true) }
        }
    }

    /** Replaces a task's output, so that the vectors are stored once. -resume accepts the link, and runs the task again where it is broken. */
    private static void replaceByLink(Path file, Path target) {
        def made = file.resolveSibling(".${file.name}.${UUID.randomUUID()}.tmp")
        try {
            Files.createSymbolicLink(made, target)
            Files.move(made, file, StandardCopyOption.ATOMIC_MOVE)
        }
        catch (UnsupportedOperationException | IOException _problem) {
            Files.deleteIfExists(made)
        }
    }

    private static String listOf(List<Path> files, Closure<String> pathOf) {
        def facts = [ROLES, files].transpose().collectEntries { role, file -> [(role): [path: pathOf(file), bytes: Files.size(file)]] }
        facts.shard.modified = Files.getLastModifiedTime(files[0]).toMillis()
        facts.shard.hash = new JsonSlurper().parseText(files[2].getText('UTF-8')).shardHash
        return JsonOutput.prettyPrint(JsonOutput.toJson([version: 1] + facts)) + '\n'
    }

    private Path temporary(String key) {
        return home().resolve(".${key}.${UUID.randomUUID()}.tmp")
    }

    /** The folder of the embedder. Known late, because the hash of a model takes seconds, and tasks of other stages need not wait for it. */
    private synchronized Path home() {
        if (!folder) folder = root.resolve(EmbeddingKey.ofEmbedder(options, model))
        return folder
    }

    private synchronized void warnOnce(String message) {
        if (!warned) log.warn(message)
        warned = true
    }

    private static String reasonOf(Exception problem) {
        return problem instanceof IOException ? HostPath.reasonOf(problem) : problem.message ?: problem.class.simpleName
    }

    private static Object getLog() {
        return LoggerFactory.getLogger(Nextflow)
    }
}
