import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.BasicFileAttributes

/** The hash of a file, and whether it still has this content: a file may be replaced while the task that reads it waits for a machine. */
class HashedFile {

    final String hash
    private final Path file
    private final Closure<String> hashOf
    private List state

    HashedFile(Path file, Closure<String> hashOf) {
        this.file = file
        this.hashOf = hashOf
        // Before the hash, so that a change in between shows.
        this.state = stateOf(file)
        this.hash = hashOf(file)
    }

    /** Returns whether the file has the same content. It is read only if its size, time or inode differs. */
    synchronized boolean isUnchanged() {
        def now = stateOf(file)
        if (now == state) return true
        try {
            if (hashOf(file) != hash) return false
        }
        catch (Exception _problem) {
            return false
        }
        state = now
        return true
    }

    /** null if it is unknown, as on S3 without the right to list. */
    private static List stateOf(Path file) {
        try {
            def found = Files.readAttributes(file, BasicFileAttributes)
            return [found.size(), found.lastModifiedTime()?.toMillis(), found.fileKey()?.toString()]
        }
        catch (Exception _problem) {
            return null
        }
    }
}
