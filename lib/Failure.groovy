import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.Path

/** The reason why a run failed, and where its log is. */
class Failure {

    /** Folders and names under which tasks read their inputs: see `stageAs` in modules/. */
    private static final String STAGED = /(?:input|queries|shards)\/(?:\d+\/)?/

    /**
     * Returns the last message of the worker whose task failed, or Nextflow's message; null if there is no message, as after Ctrl-C.
     * @param files the user's inputs, whose names replace those of the task: see InputFiles.resolve
     */
    static String message(Object workflow, List<Map> files) {
        def lines = plain(workflow.errorMessage).readLines().findAll { line -> line.trim() }
        if (lines.size() == 1 && lines[0] ==~ /SIG[A-Z]+/) return "The run was stopped by ${lines[0]}."
        // A message may have several lines, and follows lines of progress.
        def start = lines.findLastIndexOf { line -> line =~ /^\s*lanceflow( [a-z-]+)?: / }
        def message = start < 0 ? lines.takeRight(1) ?: causeIn(workflow) : lines.drop(start)
        return message ? Parameters.shown(withUserNames(message*.trim().join('\n'), folderOf(workflow), files)) : null
    }

    /** Returns the command that shows the log of the failed task; null if no task failed. */
    static String logCommand(Object workflow) {
        def folder = folderOf(workflow)
        if (!folder) return null
        def log = CommandLine.quoted("${folder}/.command.log")
        return folder.startsWith('s3://') ? "aws s3 cp ${log} -" : "cat ${log}"
    }

    /** Returns the work folder of the failed task; null if no task failed. */
    private static String folderOf(Object workflow) {
        return plain(workflow.errorReport).find(/(?m)^Work dir:\n\s+(\S.*)$/) { _all, folder -> folder.trim() }
    }

    /** Returns why Nextflow ended the task, if it left no message: "terminated with an error exit status (137)". */
    private static List<String> causeIn(Object workflow) {
        return plain(workflow.errorReport).find(/(?m)^Caused by:\n\s+(\S.*)$/) { _all, cause -> cause }?.with { cause -> [cause] } ?: []
    }

    /** Replaces the paths of a task's inputs with those of the user's files. */
    private static String withUserNames(String message, String folder, List<Map> files) {
        return message.replaceAll(/${STAGED}[^\/:"]+(?=[:" ]|$)/) { staged ->
            sourceOf(staged, folder, files) ?: staged
        }
    }

    private static String sourceOf(String staged, String folder, List<Map> files) {
        def name = staged.replaceFirst(STAGED, '')
        def named = files.findAll { file ->
            file.path.name == name || (file.kind == 'fasta' && "${Shell.safeName(file.source.tokenize('/').last())}.h5" == name)
        }
        if (named.size() < 2) return named ? named[0].source : null
        // Several files have the name: the task's is a link to one of them.
        if (folder.startsWith('s3://')) return null
        def link = Path.of(folder).resolve(staged)
        return named.find { file -> isSame(link, file.path) }?.source
    }

    private static boolean isSame(Path link, Path file) {
        return file.fileSystem == FileSystems.default && Files.exists(link) && Files.isSameFile(link, file)
    }

    /** Removes colors, which FORCE_COLOR adds. */
    private static String plain(Object text) {
        return (text ?: '').toString().replaceAll(/\u001b\[[0-9;]*m/, '')
    }
}
