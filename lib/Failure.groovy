/** The reason why a run failed. */
class Failure {

    /** Returns the last message of the worker whose task failed, or Nextflow's message; null if there is no message, as after Ctrl-C. */
    static String message(Object workflow) {
        def lines = (workflow.errorMessage ?: '').toString().readLines().findAll { line -> line.trim() }
        if (lines.size() == 1 && lines[0] ==~ /SIG[A-Z]+/) return "The run was stopped by ${lines[0]}."
        // A message may have several lines, and follows lines of progress.
        def start = lines.findLastIndexOf { line -> line =~ /^\s*lanceflow( [a-z-]+)?: / }
        def message = start < 0 ? lines.takeRight(1) : lines.drop(start)
        return message ? Parameters.shown(message*.trim().join('\n')) : null
    }
}
