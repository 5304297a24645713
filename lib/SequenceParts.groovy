import java.nio.file.FileAlreadyExistsException
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption

/** Large FASTA files as parts (SPLIT_SEQUENCES), each embedded by a task of its own. */
class SequenceParts {

    /**
     * Whether a file is worth dividing, told by its size: a residue is about a byte, or half of one where it is compressed.
     * One of unknown size is: a small one comes back as one part.
     * @param file see InputFiles.resolve
     */
    static boolean isLarge(Map file, long partResidues) {
        def packed = ['.gz', '.zst'].any { ending -> file.path.name.toLowerCase().endsWith(ending) }
        def bytes = file.bytes == null && !S3Files.has(file.path) ? Files.size(file.path) : file.bytes
        return bytes == null || bytes * (packed ? 2 : 1) > partResidues
    }

    /**
     * The parts of a file, as inputs of tasks. A file that has grown is divided again, into a new task folder; but each part
     * is given to its task by a place of its own that its content names. So a part that did not change is not embedded again.
     * @param files one, or a list: part_<number>.<hash of the content>.fasta
     * @return [name for messages and order, file] by number
     */
    static List<List> keep(String source, Object files, Path work) {
        def folder = work.resolve('sequence-parts')
        if (!S3Files.has(folder)) Files.createDirectories(folder)
        return (files instanceof List ? files : [files]).sort { file -> file.name }.collect { file ->
            def (number, hash) = file.name.replaceFirst(/^part_/, '').tokenize('.')
            return ["${source}#${number}".toString(), place(file, folder.resolve("${hash}.fasta"))]
        }
    }

    private static Path place(Path file, Path target) {
        if (S3Files.has(target)) {
            // An object is there as a whole or not at all, and its name says what it has.
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
