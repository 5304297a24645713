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
 * Looks up objects on S3 through Nextflow's plugin, which represents them as files of java.nio. Each operation costs requests and needs
 * rights (docs/aws.md has the table). Reading attributes needs the right to list. `Files.isReadable` is not used, because it requests ACLs
 * and the account's buckets, which readers may not. Denied requests throw exceptions of AWS's SDK, which are not IOExceptions.
 */
class S3Files {

    private static final int CONNECTIONS = 16

    static boolean has(Path path) {
        return path.fileSystem.provider().scheme == 's3'
    }

    /**
     * Looks up an address.
     * @return [kind: 'file', bytes: size, null if only reading is allowed], [kind: 'folder'], or [problem: why it is neither, remedy: what to
     *   do, null if unknown]
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

    /** Looks up many addresses concurrently: each needs a request, and a samplesheet may list ten thousand files. */
    static Map<Path, Map> lookAll(Collection<Path> paths) {
        def distinct = new LinkedHashSet<Path>(paths) as List<Path>
        return [distinct, concurrently(distinct) { path -> look(path) }].transpose().collectEntries { path, found -> [(path): found] }
    }

    /** Runs an action for each item concurrently. @return its results, in the order of the items */
    static List concurrently(List items, Closure action) {
        def pool = Executors.newFixedThreadPool(CONNECTIONS)
        try {
            return items.collect { item -> pool.submit({ action(item) } as Callable) }*.get()
        }
        finally {
            pool.shutdownNow()
        }
    }

    /** Looks up an address that may not be listed: a role may have only the right to read, or to list `folder/*` but not `folder`. */
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
            // Without the abort, closing would first read the rest of the object, or print a warning.
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
     * Lists the files in a folder that a filter accepts, without hidden files and subfolders. Sends a request for each thousand. Stops the run
     * if they cannot be listed.
     * @return [path, found: see look]
     */
    static List<Map> list(Path folder, String where, Closure<?> filter) {
        return entries(folder, where).findAll { path -> !path.name.startsWith('.') && filter(path) }
            .collect { path -> [path: path, found: requireSomething(path, where)] }
            .findAll { file -> file.found.kind == 'file' }
    }

    /**
     * Lists the files that match a glob pattern. Nextflow's search also requests the folder above, requests each file twice, and works in only
     * one region.
     * @return [path, found: see look]
     */
    static List<Map> matching(String text, String where) {
        def pattern = text.find('[^/]*[*?\\[{].*')
        def folder = text.take(text.size() - pattern.size())
        if (folder == 's3://') Parameters.stop("${where}: ${text}: the name of the bucket cannot be a pattern.")
        def matcher
        try {
            matcher = FileSystems.default.getPathMatcher("glob:${pattern}")
        }
        catch (PatternSyntaxException bad) {
            Parameters.stop("${where} ${text}: this is not a glob pattern: ${bad.description}.")
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

    /** Warns about files that Nextflow's cache knows only by name, except in stub runs, which read no files. @param files [path, bytes] */
    static void warnOfUnlisted(List<Map> files) {
        if (Global.session.stubRun) return
        def unlisted = files.findAll { file -> has(file.path) && file.bytes == null }.collect { file -> file.path.toUriString() }
        if (!unlisted) return
        def named = unlisted.size() == 1 ? unlisted[0] : "${unlisted[0]} and ${unlisted.size() - 1} more"
        LoggerFactory.getLogger(Nextflow).warn("${named}: may be read but not listed, so -resume cannot notice that such a file was replaced. " +
            'Allow s3:ListBucket, or give a changed file another name.')
    }
}
