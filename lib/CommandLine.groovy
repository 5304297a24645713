import java.nio.file.Files
import java.nio.file.Path

/** The command line of this run, in a form that can be pasted into a shell. */
class CommandLine {

    /** Options of `nextflow run` that say how and where tasks run. */
    private static final List<String> SETTINGS = ['-profile', '-c', '-config', '-C', '-params-file', '-w', '-work-dir', '-b', '-bucket-dir',
        '-r', '-revision', '-main-script', '-plugins', '-user', '-hub', '-queue-size', '-qs', '-offline', '-with-docker', '-with-podman',
        '-with-singularity', '-with-apptainer', '-with-charliecloud', '-with-conda', '-with-spack', '-without-docker', '-without-podman']
    /** Options of Nextflow without a value. */
    private static final List<String> FLAGS = ['-q', '-quiet', '-bg', '-v', '-version', '-h', '-help', '-latest', '-offline', '-preview', '-stub', '-stub-run',
        '-without-docker', '-without-podman']
    private static final String SESSION = /[0-9a-f]{8}-[0-9a-f-]{27}|[a-z]+_[a-z]+/

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

    /**
     * Returns the words that start this pipeline with the user's settings of Nextflow, for a command with other parameters:
     * `bin/nextflow run main.nf -profile slurm`.
     */
    static String start(String recorded) {
        return ([launcher()] + startOf(arguments() ?: recorded.tokenize().drop(1)).collect { word -> quoted(word) }).join(' ')
    }

    /**
     * Selects the words of a command line that a command with other parameters needs too.
     * @param words after the name of the program
     */
    static List<String> startOf(List<String> words) {
        def before = []
        def settings = []
        def script = null
        def isRun = false
        for (int at = 0; at < words.size();) {
            def length = lengthOf(words, at)
            def argument = words.subList(at, at + length)
            def name = words[at].tokenize('=')[0]
            at += length
            if (!isRun && name == 'run') isRun = true
            else if (!isRun) before.addAll(argument)
            else if (!name.startsWith('-')) script = script ?: name
            else if (name in SETTINGS) settings.addAll(argument)
        }
        return before + ['run', script ?: 'main.nf'] + settings
    }

    /** Returns the count of words of an argument: an option and its value are two. */
    private static int lengthOf(List<String> words, int at) {
        def word = words[at]
        if (!word.startsWith('-') || word.contains('=') || word in FLAGS || at + 1 == words.size()) return 1
        def next = words[at + 1]
        // A value of Nextflow's own options never begins with a hyphen; that of a parameter may be a negative number.
        if (word == '-resume') return next ==~ SESSION ? 2 : 1
        return next.startsWith('-') && !(word.startsWith('--') && next ==~ /-[0-9.].*/) ? 1 : 2
    }

    /** Returns the path of a program of the pipeline, from the folder in which the run was started. */
    static String program(Path projectDir, String path) {
        // The head of a campaign on AWS has other folders than the user.
        def isHere = Path.of('').toAbsolutePath() == projectDir || System.getenv('LANCEFLOW_CAMPAIGN')
        return quoted((isHere ? path : projectDir.resolve(path)).toString())
    }

    /** Returns the command line with the launcher that was used, which may not be on the path of programs. */
    private static String runnable(String recorded) {
        return launcher() + text(recorded).replaceFirst(/^\S+/, '')
    }

    private static String launcher() {
        // bin/nextflow quotes its path in this variable, which all launchers set.
        return System.getenv('NXF_CLI')?.find(/^'[^']*'|^\S+/) ?: 'nextflow'
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
