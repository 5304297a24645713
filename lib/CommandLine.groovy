import java.nio.file.Files
import java.nio.file.Path

/** The command line of this run, in a form that can be pasted into a shell. */
class CommandLine {

    /**
     * Returns the command line, each argument quoted where a shell needs it.
     * @param recorded Nextflow's record of the command line, which lacks the quotes
     */
    static String text(String recorded) {
        def words = arguments()
        if (words == null) return recorded
        return (['nextflow'] + words.collect { argument -> quoted(argument) }).join(' ')
    }

    /** Returns the same command with -resume, and other parameters added. */
    static String resumed(String recorded, List<String> added = []) {
        def command = runnable(recorded)
        return ([command] + added + (command =~ /(^|\s)-resume(\s|$)/ ? [] : ['-resume'])).join(' ')
    }

    /** Returns the words that start this pipeline, for a command with other parameters: `bin/nextflow run main.nf`. */
    static String start(String recorded) {
        return runnable(recorded).find(/^(?:'[^']*'|\S+)(?: -\S+)* run (?:'[^']*'|\S+)/) ?: 'nextflow run main.nf'
    }

    /** Returns the path of a program of the pipeline, from the folder in which the run was started. */
    static String program(Path projectDir, String path) {
        // The head of a campaign on AWS has other folders than the user.
        def isHere = Path.of('').toAbsolutePath() == projectDir || System.getenv('LANCEFLOW_CAMPAIGN')
        return quoted((isHere ? path : projectDir.resolve(path)).toString())
    }

    /** Returns the command line with the launcher that was used, which may not be on the path of programs. */
    private static String runnable(String recorded) {
        // bin/nextflow quotes its path in this variable, which all launchers set.
        def program = System.getenv('NXF_CLI')?.find(/^'[^']*'|^\S+/) ?: 'nextflow'
        return program + text(recorded).replaceFirst(/^\S+/, '')
    }

    /** Reads the arguments of Nextflow's main class; null if the system does not show them. */
    private static List<String> arguments() {
        def file = Path.of('/proc/self/cmdline')
        if (!Files.isReadable(file)) return null
        def all = new String(Files.readAllBytes(file), 'UTF-8').split('\0', -1).toList().init()
        def main = all.findIndexOf { argument -> argument == 'nextflow.cli.Launcher' }
        return main < 0 ? null : all.drop(main + 1)
    }

    /** Quotes an argument where a shell needs it. */
    static String quoted(String text) {
        return text ==~ '[A-Za-z0-9_./:=@%+,-]+' ? text : Shell.quote(text)
    }
}
