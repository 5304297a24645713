import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.attribute.BasicFileAttributes
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import java.util.regex.PatternSyntaxException
import nextflow.Global
import nextflow.Nextflow
import org.slf4j.LoggerFactory

/**
 * Objects on S3, as Nextflow's plugin shows them: as files of java.nio. Each question costs calls and needs rights (docs/aws.md has
 * the table). Attributes are listed; `Files.isReadable` asks for ACLs and for the account's buckets, which no reader needs to be
 * allowed, and is never used here. Refused calls throw exceptions of AWS's SDK, which are no IOException.
 */
class S3Files {

    private static final int CONNECTIONS = 16

    static boolean has(Path path) {
        return path.fileSystem.provider().scheme == 's3'
    }

    /**
     * What an address names: [kind: 'file', bytes: its size, null where only reading is allowed], [kind: 'folder'], or
     * [problem: why neither, remedy: what to do, where that can be said].
     */
    static Map look(Path path) {
        try {
            def found = Files.readAttributes(path, BasicFileAttributes)
            return found.isDirectory() ? [kind: 'folder'] : [kind: 'file', bytes: found.size()]
        }
        catch (Exception problem) {
            return S3Problem.answer(problem)?.status == 403 ? lookUnlisted(path, problem) : S3Problem.of(problem, path)
        }
    }

    /** As `look`, of many: a lookup is a request, and a sheet may list ten thousand files. */
    static Map<Path, Map> lookAll(Collection<Path> paths) {
        def pool = Executors.newFixedThreadPool(CONNECTIONS)
        try {
            def asked = new LinkedHashSet<Path>(paths).collect { path -> [path, pool.submit({ look(path) } as Callable<Map>)] }
            return asked.collectEntries { path, found -> [(path): found.get()] }
        }
        finally {
            pool.shutdownNow()
        }
    }

    /** A role may be allowed to read and not to list, or to list `folder/*` and not `folder`. */
    private static Map lookUnlisted(Path path, Exception refused) {
        try {
            readFirst(path)
            return [kind: 'file', bytes: null]
        }
        catch (Exception problem) {
            if (hasEntries(path)) return [kind: 'folder']
            return S3Problem.of(problem instanceof NoSuchFileException ? problem : refused, path)
        }
    }

    private static void readFirst(Path path) {
        def stream = Files.newInputStream(path)
        try {
            stream.read()
        }
        finally {
            // Closed as usual, a connection would first carry the rest of the object, or a warning would be printed.
            if (stream.respondsTo('abort')) stream.abort()
            stream.close()
        }
    }

    private static boolean hasEntries(Path folder) {
        try {
            return Files.newDirectoryStream(folder).withCloseable { stream -> stream.iterator().hasNext() }
        }
        catch (Exception _problem) {
            return false
        }
    }

    /**
     * The files in a folder, without hidden ones and those of its subfolders, for which a filter holds: a request for each thousand.
     * Stops the run where they cannot be listed.
     * @return [path, found: see look]
     */
    static List<Map> list(Path folder, String where, Closure<?> filter) {
        return entries(folder, where).findAll { path -> !path.name.startsWith('.') && filter(path) }
            .collect { path -> [path: path, found: requireSomething(path, where)] }
            .findAll { file -> file.found.kind == 'file' }
    }

    /**
     * The files that match a glob pattern. Nextflow's own search asks for the folder above besides, and for each file twice, and
     * only of buckets in one region.
     * @return [path, found: see look]
     */
    static List<Map> matching(String text, String where) {
        def pattern = text.find('[^/]*[*?\\[{].*')
        def folder = text.take(text.size() - pattern.size())
        if (folder == 's3://') Parameters.stop("${where}: ${text}: the name of the bucket must be given without a pattern.")
        def matcher
        try {
            matcher = FileSystems.default.getPathMatcher("glob:${pattern}")
        }
        catch (PatternSyntaxException bad) {
            Parameters.stop("${where} ${text}: this is no glob pattern: ${bad.description}.")
        }
        def depth = pattern.contains('**') ? Integer.MAX_VALUE : pattern.count('/')
        def found = walk(HostPath.named(folder, where), '', depth, pattern.startsWith('.'), where) { name -> matcher.matches(Path.of(name)) }
        if (!found) Parameters.stop("${where}: no file matches ${text}")
        return found
    }

    private static List<Map> walk(Path folder, String above, int depth, boolean hidden, String where, Closure<Boolean> matches) {
        return entries(folder, where).collectMany { path ->
            def name = above + path.name
            if (path.name.startsWith('.') && !hidden || depth == 0 && !matches(name)) return []
            def found = requireSomething(path, where)
            if (found.kind == 'folder' && depth > 0) return walk(path, "${name}/", depth - 1, hidden, where, matches)
            return found.kind == 'file' && matches(name) ? [[path: path, found: found]] : []
        }
    }

    private static Map requireSomething(Path entry, String where) {
        def found = look(entry)
        if (found.problem) HostPath.refuse(where, found, entry.toUriString())
        return found
    }

    private static List<Path> entries(Path folder, String where) {
        try {
            return Files.newDirectoryStream(folder).withCloseable { stream -> stream.toList() }
        }
        catch (Exception problem) {
            HostPath.refuse(where, S3Problem.of(problem, folder, true), folder.toUriString())
        }
        return []
    }

    /** Says which files Nextflow's cache knows by their names alone; not where stubs run, which read none. @param files [path, bytes] */
    static void warnOfUnlisted(List<Map> files) {
        if (Global.session.stubRun) return
        def unlisted = files.findAll { file -> has(file.path) && file.bytes == null }.collect { file -> file.path.toUriString() }
        if (!unlisted) return
        def named = unlisted.size() == 1 ? unlisted[0] : "${unlisted[0]} and ${unlisted.size() - 1} more"
        LoggerFactory.getLogger(Nextflow).warn("${named}: may be read but not listed, so -resume cannot notice that such a file was replaced. " +
            'Allow s3:ListBucket, or give a changed file another name.')
    }
}
