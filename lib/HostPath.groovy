import java.nio.file.AccessDeniedException
import java.nio.file.FileSystemException
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.InvalidPathException
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.attribute.BasicFileAttributes
import nextflow.file.FileHelper

/** Paths in parameters and samplesheets. */
class HostPath {

    /** The limit of Linux and macOS, in bytes of one name. */
    private static final int LONGEST_NAME = 255
    /** Forms of S3 addresses that other programs use. */
    private static final String NOT_ON_S3 = /^(?!s3:\/\/[^\/])(?i:s3[an]?:\/|arn:aws[a-z-]*:s3:)/

    /**
     * Returns the absolute path that a text names. Text without `://` is a local file, whatever characters it has; Nextflow parses other text,
     * such as an address of S3, HTTP or FTP.
     * @param where the parameter, or the line of a samplesheet, for messages
     */
    static Path named(Object name, String where, Path base = Path.of('')) {
        def text = name.toString()
        try {
            if (text =~ NOT_ON_S3) throw new IllegalArgumentException('an address on S3 is written s3://bucket/path')
            if (text.contains('://')) return remote(text)
            // Nextflow parses it as a local path.
            if (text.startsWith('file:/')) return absolute(FileHelper.asPath(text))
            // A samplesheet on S3 may list local files.
            def path = absolute(S3Files.has(base) && text.startsWith('/') ? Path.of(text) : base.resolve(text))
            def tooLong = path.find { part -> part.toString().getBytes('UTF-8').length > LONGEST_NAME }
            if (tooLong) Parameters.stop("${where}: a name of more than ${LONGEST_NAME} bytes: ${tooLong.toString().take(40)}... Choose a shorter one.")
            return path
        }
        catch (InvalidPathException problem) {
            Parameters.stop("${where} ${text}: this cannot be the name of a file (${problem.reason}).")
        }
        catch (IllegalArgumentException | IllegalStateException | IOException | UnsupportedOperationException | URISyntaxException problem) {
            Parameters.stop("${where} ${text}: this address cannot be read: ${reasonOf(problem)}")
        }
        return null
    }

    private static Path remote(String text) {
        if (!(text =~ /^[A-Za-z][A-Za-z0-9+.-]*:\/\/./))
            throw new IllegalArgumentException('it must begin with a scheme, as s3://bucket/folder does')
        try {
            return FileHelper.asPath(text).toAbsolutePath().normalize()
        }
        catch (RuntimeException problem) {
            // An exception of a plugin: AWS's SDK throws one without credentials or region.
            throw new IllegalArgumentException(problem.message ?: problem.class.simpleName, problem)
        }
    }

    /** Normalizes a path, but resolves `..` after a link to a folder as the system does: to the parent of the link's target. */
    static Path absolute(Path path) {
        def full = path.toAbsolutePath()
        if (path.fileSystem != FileSystems.default || !full.any { name -> name.toString() == '..' }) return full.normalize()
        return full.inject(full.root) { folder, name ->
            if (name.toString() != '..') return folder.resolve(name).normalize()
            return (Files.isSymbolicLink(folder) && Files.exists(folder) ? folder.toRealPath() : folder).parent ?: full.root
        }
    }

    /**
     * Stops the run if a path is not a readable file.
     * @param where the parameter, or the line of a samplesheet
     * @param found the result of S3Files.look, if a path on S3 was looked up before
     */
    static void requireFile(Path path, String where, Object shown = path.toUriString(), Map found = null) {
        def onS3 = S3Files.has(path) ? found ?: S3Files.look(path) : [:]
        def problem = onS3.kind == 'folder' ? 'this is a folder, not a file' : onS3 ? onS3.problem : problemWith(path)
        if (problem) refuse(where, [problem: problem, remedy: onS3.remedy], shown)
    }

    /** Stops the run. @param found [problem: why a path is refused, remedy: what to do, if known] */
    static void refuse(String where, Map found, Object shown) {
        Parameters.stop("${where}: ${found.problem}: ${shown}${found.remedy ? ". ${found.remedy}." : ''}")
    }

    /** Describes why a path that is not on S3 is not a readable file; null if it is one. */
    static String problemWith(Path path) {
        try {
            def found = Files.readAttributes(path, BasicFileAttributes)
            if (found.isDirectory()) return 'this is a folder, not a file'
            if (!found.isRegularFile()) return 'this is a pipe or a device, not a file'
            if (path.fileSystem == FileSystems.default && !Files.isReadable(path)) return 'permission denied'
            return null
        }
        catch (NoSuchFileException _problem) {
            return isLink(path) ? 'this link is broken: its target does not exist' : 'no such file'
        }
        catch (IOException problem) {
            return reasonOf(problem)
        }
    }

    /** Returns whether anything has this name, including a broken link. */
    static boolean exists(Path path) {
        return Files.exists(path) || isLink(path)
    }

    /** Describes an error of the system, or of Nextflow, in words. */
    static String reasonOf(Exception problem) {
        if (problem instanceof AccessDeniedException) return 'permission denied'
        if (problem instanceof NoSuchFileException) return 'no such file'
        def reason = problem instanceof FileSystemException ? problem.reason : problem.message
        return reason ?: problem.class.simpleName
    }

    private static boolean isLink(Path path) {
        return path.fileSystem == FileSystems.default && Files.isSymbolicLink(path)
    }
}
