/** Why a run failed. */
class Failure {

    /** The last message of the worker whose task failed, or what Nextflow says; null where there is nothing, as after Ctrl-C. */
    static String message(Object workflow) {
        def lines = (workflow.errorMessage ?: '').toString().readLines().findAll { line -> line.trim() }
        if (lines.size() == 1 && lines[0] ==~ /SIG[A-Z]+/) return "The run was stopped by ${lines[0]}."
        // A message may go on in lines of its own; progress comes before it.
        def start = lines.findLastIndexOf { line -> line =~ /^\s*lanceflow( [a-z-]+)?: / }
        def said = start < 0 ? lines.takeRight(1) : lines.drop(start)
        return said ? Parameters.shown(said*.trim().join('\n')) : null
    }
}
