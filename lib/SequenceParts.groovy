import java.nio.file.FileAlreadyExistsException
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption

/** Large FASTA files as parts (SPLIT_SEQUENCES), each embedded by a task of its own. */
class SequenceParts {

    /** Whether a file is worth dividing, told by its size: a residue is about a byte, or half of one where it is compressed. */
    static boolean isLarge(Path fasta, long partResidues) {
        def packed = ['.gz', '.zst'].any { ending -> fasta.name.toLowerCase().endsWith(ending) }
        return Files.size(fasta) * (packed ? 2 : 1) > partResidues
    }

    /**
     * The parts of a file, as inputs of tasks. A file that has grown is divided again, into a new task folder; but each part
     * is given to its task by a place of its own that its content names. So a part that did not change is not embedded again.
     * @param files one, or a list: part_<number>.<hash of the content>.fasta
     * @return [name for messages and order, file] by number
     */
    static List<List> keep(String source, Object files, Path work) {
        def folder = Files.createDirectories(work.resolve('sequence-parts'))
        return (files instanceof List ? files : [files]).sort { file -> file.name }.collect { file ->
            def (number, hash) = file.name.replaceFirst(/^part_/, '').tokenize('.')
            return ["${source}#${number}".toString(), place(file, folder.resolve("${hash}.fasta"))]
        }
    }

    private static Path place(Path file, Path target) {
        if (Files.exists(target)) return target
        try {
            return Files.createLink(target, file)
        }
        catch (FileAlreadyExistsException _other) {
            return target
        }
        catch (UnsupportedOperationException | IOException _problem) {
            // A file system without links, or S3.
            def temporary = target.resolveSibling("${target.name}.${UUID.randomUUID()}.tmp")
            Files.copy(file, temporary)
            return Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING)
        }
    }
}
