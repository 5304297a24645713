import java.nio.file.FileAlreadyExistsException
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest
import nextflow.Global

/**
 * Provides inputs with paths that Nextflow can stage. Nextflow links or copies a task's inputs with shell commands in which it escapes spaces
 * and quotes, but not the characters below: bash would read `x[1].fa` as x1.fa, if that file exists, and `$x` as a variable.
 */
class Staging {

    private static final String UNQUOTED = '[$*?\\[\\]{}]'
    /** For files on S3, the work folder, and the project's bin/: Nextflow also writes these between double quotes. */
    private static final String UNQUOTED_FOLDER = '[$*?\\[\\]{}"`\\\\]'
    /** Characters that end a line of a script, a log or a trace, and the character that Java shows for bytes that are not UTF-8. */
    static final String CONTROL = '[\\p{Cntrl}\\u0080-\\u009f\\u2028\\u2029\\ufffd]'

    /**
     * Returns the file itself, or a hard link to it in the work folder if its path (or the path of a link's target) contains such characters.
     * A symbolic link would not help, because Nextflow stages its target.
     * @param where the parameter, for messages
     * @param keepsName whether the task needs the file's name
     */
    static Path place(Path file, String where, boolean keepsName = false) {
        def path = file.toUriString()
        def real = isLocal(file) ? file.toRealPath() : file
        def both = [path, real.toUriString()].unique()
        both.each { one ->
            if (one =~ CONTROL)
                Parameters.stop("${where}: the path ${one} has a line break or another control character, or is not UTF-8. Rename it.")
        }
        def odd = characters(both.join(' '), isLocal(file) ? alsoSeparators(UNQUOTED) : UNQUOTED_FOLDER)
        if (!odd) return file
        // A long name is cut at its beginning, because its end has the file's type.
        def name = Shell.safeName(file.name.drop(Math.max(0, file.name.size() - 120)))
        def refuse = { why -> Parameters.stop("${where}: tasks cannot read ${both.join(', a link to ')}: its path has ${odd}${why}. Rename it.") }
        if (keepsName && name != file.name) refuse('')
        def work = Global.session.workDir as Path
        if (!isLocal(work) || !isLocal(file)) refuse('')
        def known = "${path} ${Files.size(real)} ${Files.getLastModifiedTime(real).toMillis()}"
        try {
            return link(real, work.resolve('inputs').resolve(digest(known)).resolve(name))
        }
        catch (IOException | UnsupportedOperationException _problem) {
            refuse(', and no hard link to it can be made in the work folder')
        }
        return file
    }

    /** Stops the run if the path of the work folder, or of the pipeline, contains characters that bash would misread. */
    static void checkFolders(Path projectDir) {
        def work = Global.session.workDir as Path
        checkFolder(work, 'The work folder (-work-dir)')
        if (isLocal(work) && Files.exists(work)) checkFolder(work.toRealPath(), 'The work folder (-work-dir)')
        checkFolder(projectDir, 'The folder of the pipeline')
    }

    /** Stops the run if the path of a folder contains such characters. @param name of the folder, for messages */
    static void checkFolder(Path folder, String name) {
        def path = folder.toUriString()
        if (path =~ CONTROL) Parameters.stop("${name}, ${path}, has a line break or another control character in its path. Choose another.")
        def odd = characters(path, isLocal(folder) ? alsoSeparators(UNQUOTED_FOLDER) : UNQUOTED_FOLDER)
        if (odd) Parameters.stop("${name}, ${path}, has ${odd} in its path, which tasks' scripts would misread. Choose another.")
    }

    /** Adds the characters that paths of mounted folders must not contain. */
    private static String alsoSeparators(String characters) {
        return "[${Containers.separators()}${characters.drop(1)}"
    }

    private static boolean isLocal(Path path) {
        return path.fileSystem == FileSystems.default
    }

    private static String characters(String path, String pattern) {
        return path.findAll(pattern).unique().collect { letter -> "'${letter}'" }.join(', ')
    }

    private static String digest(String path) {
        return MessageDigest.getInstance('SHA-256').digest(path.getBytes('UTF-8')).encodeHex().toString().take(32)
    }

    /** Creates the link. Its path depends on the file's path, size and time: -resume finds it again, and a replaced file gets another link. */
    private static Path link(Path file, Path target) {
        Files.createDirectories(target.parent)
        try {
            return Files.createLink(target, file)
        }
        catch (FileAlreadyExistsException _problem) {
            if (Files.isSameFile(target, file)) return target
            // The file was replaced by another of the same size and time.
            Files.delete(target)
            return Files.createLink(target, file)
        }
    }
}
