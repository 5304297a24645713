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
        def program = recorded?.tokenize()?.getAt(0) ?: 'nextflow'
        return ([program] + words).collect { argument -> quoted(argument) }.join(' ')
    }

    /** Returns the same command with -resume. */
    static String resumed(String recorded) {
        def command = text(recorded)
        return command =~ /(^|\s)-resume(\s|$)/ ? command : "${command} -resume"
    }

    /** Reads the arguments of Nextflow's main class; null if the system does not show them. */
    private static List<String> arguments() {
        def file = Path.of('/proc/self/cmdline')
        if (!Files.isReadable(file)) return null
        def all = new String(Files.readAllBytes(file), 'UTF-8').split('\0', -1).toList().init()
        def main = all.findIndexOf { argument -> argument == 'nextflow.cli.Launcher' }
        return main < 0 ? null : all.drop(main + 1)
    }

    private static String quoted(String text) {
        return text ==~ '[A-Za-z0-9_./:=@%+,-]+' ? text : Shell.quote(text)
    }
}
