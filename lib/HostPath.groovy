import java.nio.file.AccessDeniedException
import java.nio.file.FileSystemException
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.InvalidPathException
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.attribute.BasicFileAttributes
import nextflow.file.FileHelper

/** Paths as parameters and samplesheets name them. */
class HostPath {

    /** The limit of Linux and macOS, in bytes of one name. */
    private static final int LONGEST_NAME = 255

    /**
     * The path that a text names, absolute. Text without `://` names a file of this machine, whatever characters it has;
     * other text is left to Nextflow, which reads from S3, HTTP and FTP.
     * @param where the parameter, or the line of a samplesheet, for messages
     */
    static Path named(Object given, String where, Path base = Path.of('')) {
        def text = given.toString()
        try {
            if (text.contains('://')) return remote(text)
            // For Nextflow, a path on this machine.
            if (text.startsWith('file:/')) return absolute(FileHelper.asPath(text))
            def path = absolute(base.resolve(text))
            def long_ = path.find { name -> name.toString().getBytes('UTF-8').length > LONGEST_NAME }
            if (long_) Parameters.stop("${where}: a name of more than ${LONGEST_NAME} bytes: ${long_.toString().take(40)}... Choose a shorter one.")
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
        return FileHelper.asPath(text).toAbsolutePath().normalize()
    }

    /** As `normalize`, but `..` after a link to a folder leads out of the folder that it links to, as for the system. */
    static Path absolute(Path path) {
        def full = path.toAbsolutePath()
        if (!full.any { name -> name.toString() == '..' }) return full.normalize()
        return full.inject(full.root) { folder, name ->
            if (name.toString() != '..') return folder.resolve(name).normalize()
            return (Files.isSymbolicLink(folder) && Files.exists(folder) ? folder.toRealPath() : folder).parent ?: full.root
        }
    }

    /** Why a path is not a file that can be read; null where it is one. */
    static String problemWith(Path path) {
        try {
            def found = Files.readAttributes(path, BasicFileAttributes)
            if (found.isDirectory()) return 'this is a folder, not a file'
            if (!found.isRegularFile()) return 'this is a pipe or a device, not a file'
            // On S3 this would ask for rights that reading does not need.
            if (path.fileSystem == FileSystems.default && !Files.isReadable(path)) return 'permission denied'
            return null
        }
        catch (NoSuchFileException _problem) {
            return isLink(path) ? 'this link leads to no file' : 'no such file'
        }
        catch (IOException problem) {
            return reasonOf(problem)
        }
    }

    /** Whether anything has this name, be it a link that leads nowhere. */
    static boolean exists(Path path) {
        return Files.exists(path) || isLink(path)
    }

    /** What the system, or Nextflow, says of a path, in words. */
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
