import java.nio.file.FileAlreadyExistsException
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption

/** Parts of large FASTA files (SPLIT_SEQUENCES). A task embeds each part. */
class SequenceParts {

    private static final String FOLDER = 'sequence-parts'
    /** Hexadecimal digits of the SHA-256 that names a part. */
    static final int KEY_DIGITS = 32

    /**
     * Returns whether to divide a file, by its size: a residue takes about a byte, or half a byte if compressed. A file of unknown size is
     * divided: if it is small, it becomes one part.
     * @param file see InputFiles.resolve
     */
    static boolean isLarge(Map file, long partResidues) {
        def packed = ['.gz', '.zst'].any { ending -> file.path.name.toLowerCase().endsWith(ending) }
        def bytes = file.bytes == null && !S3Files.has(file.path) ? Files.size(file.path) : file.bytes
        return bytes == null || bytes * (packed ? 2 : 1) > partResidues
    }

    /**
     * Links the parts of a file to paths that are named by their contents, and returns these as inputs of tasks. A file that has grown is
     * divided again, in another task folder. A part that did not change keeps its path, so -resume does not embed it again.
     * @param files one, or a list: part_<number>.<hash of the content>.fasta
     * @return [name for messages and sorting, file] by number
     */
    static List<List> keep(String source, Object files, Path work) {
        def folder = work.resolve(FOLDER)
        if (!S3Files.has(folder)) Files.createDirectories(folder)
        return (files instanceof List ? files : [files]).sort { file -> file.name }.collect { file ->
            def (number, hash) = file.name.replaceFirst(/^part_/, '').tokenize('.')
            return ["${source}#${number}".toString(), place(file, folder.resolve("${hash}.fasta"))]
        }
    }

    /** Returns the hash of the content of a part, by its name; null for any other file. */
    static String keyOf(Path file) {
        def hash = file.name.replaceFirst(/\.fasta$/, '')
        return file.parent?.name == FOLDER && hash ==~ /[0-9a-f]{32}/ ? hash : null
    }

    private static Path place(Path file, Path target) {
        if (S3Files.has(target)) {
            // An object is written completely or not at all, and its name is the hash of its content.
            if (!S3Files.look(target).kind) Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING)
            return target
        }
        if (Files.exists(target)) return target
        try {
            return Files.createLink(target, file)
        }
        catch (FileAlreadyExistsException _other) {
            return target
        }
        catch (UnsupportedOperationException | IOException _problem) {
            // A file system without links.
            def temporary = target.resolveSibling("${target.name}.${UUID.randomUUID()}.tmp")
            Files.copy(file, temporary)
            return Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING)
        }
    }
}
