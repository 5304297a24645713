import groovy.json.JsonSlurper
import java.nio.file.Path

/** The last screen of a successful run: what was made, where, its recall, and the commands that may follow. */
class Summary {

    /** Tasks whose reports have a figure of the screen. */
    private static final String SHOWN = /(?:.*\.)?(pack-buckets|index-bucket|search-bucket|merge-hits|align-neighbours)\.json/
    private static final String REPORT = 'report.html'

    private final List<Map> reports = Collections.synchronizedList([])
    private final Set<String> buckets = Collections.synchronizedSet([] as Set)

    /** Adds the JSON report of a task; ignores those of other tasks. */
    void addReport(Path file) {
        if (!(file.name ==~ SHOWN)) return
        // Tasks of a stub run write empty files.
        def text = file.getText('UTF-8')
        if (text) reports << (new JsonSlurper().parseText(text) as Map)
    }

    /** Adds a bucket of the database. */
    void addBucket(String name) {
        buckets << name
    }

    /** Returns the screen. @param request see lib/Request.groovy */
    String text(Map request, Object workflow, Path projectDir) {
        def isSearch = request.queries || request.query_ids
        def rows = [['Database', "${request.database}${buckets ? " (${counted(buckets.size(), 'bucket')})" : ''}"]]
        if (request.inputs && reports) rows << ['Built', built()]
        if (isSearch) rows.addAll(searched(request))
        if (request.inputs && !isSearch) rows << ['Report', "${request.outdir}/build.html".toString()]
        if (request.evaluate) rows << ['Evaluation', "${request.outdir}/${EvaluationFiles.PAGE}".toString()]
        rows << ['Time', workflow.duration.toString()]
        def width = rows.collect { name, _value -> name.size() }.max() + 2
        def lines = rows.collect { name, value -> "${name}:".padRight(width) + value }
        return "\n${lines.join('\n')}\n\nNext:\n" + next(request, workflow, projectDir).collect { line -> "  ${line}" }.join('\n')
    }

    private String built() {
        def made = of('index-bucket')
        def held = of('pack-buckets').sum(0) { report -> report.heldShards ?: 0 }
        def known = held ? "; ${counted(held, 'shard')} of the input ${held == 1 ? 'was' : 'were'} there already" : ''
        if (!made) return "nothing new${known}"
        return "${counted(made.size(), 'bucket')}, ${counted(made.sum { report -> report.rows }, 'vector')}${known}"
    }

    private List<List<String>> searched(Map request) {
        def merged = of('merge-hits')[0]
        // With --align, more neighbours are merged than the results keep.
        def aligned = of('align-neighbours')
        def rows = aligned ? aligned*.rows.sum() : merged?.rows
        def csv = [none: '', plain: ' (and .csv)', gzip: ' (and .csv.gz)', zstd: ' (and .csv.zst)'][request.csv]
        def figures = merged ? [
            ['Searched', "${counted(merged.queries, 'query')}, ${counted(rows, 'neighbour')} (k = ${request.k})"],
            ["Recall@${merged.k ?: request.k}".toString(), recall(merged)],
        ] : []
        return figures + [
            ['Neighbours', "${request.outdir}/neighbours.parquet${csv}"],
        ] + (request.fasta ? [['Sequences', "${request.outdir}/neighbours.fasta"]] : []) + [
            ['Report', "${request.outdir}/${REPORT}"],
        ]
    }

    /** Describes the recall: 1 because every bucket was searched exactly, or measured. */
    private String recall(Map merged) {
        if (isExact()) return '1 (every query was compared with every vector)'
        if (merged.recall instanceof Map) {
            def number = { value -> String.format(Locale.ROOT, '%.3f', value as double) }
            return "${number(merged.recall.mean)} (95%: ${number(merged.recall.low)} to ${number(merged.recall.high)}, " +
                "measured on ${counted(merged.recall.queries, 'query')})"
        }
        return 'not measured'
    }

    private boolean isExact() {
        def searches = of('search-bucket')
        return searches && searches.every { report -> report.mode == 'exact' }
    }

    /** Lists commands that may follow, ready to be copied. */
    private List<String> next(Map request, Object workflow, Path projectDir) {
        def lanceflow = CommandLine.program(projectDir, 'bin/lanceflow')
        def database = "--database ${CommandLine.quoted(request.database.toString())}"
        def model = request.model ? " --model ${CommandLine.quoted(request.model.toString())}" : ''
        def merged = of('merge-hits')[0]
        def commands = []
        if (merged && request.csv == 'plain' && !request.outdir.toString().startsWith('s3://'))
            commands << "head ${CommandLine.quoted("${request.outdir}/neighbours.csv")}"
        if (merged && !merged.recall && !isExact())
            commands << CommandLine.resumed(workflow.commandLine, ['--measure_recall'])
        if (!merged) commands << "${CommandLine.start(workflow.commandLine)} --queries FILE${model} ${database}"
        return commands + ["${lanceflow} ask SEQUENCE${model} ${database}", "${lanceflow} catalog ${database}"]*.toString()
    }

    private List<Map> of(String command) {
        return reports.findAll { report -> report.command == command }
    }

    private static String counted(Object count, String noun) {
        def plural = noun.endsWith('ry') ? noun.replaceFirst(/y$/, 'ies') : "${noun}s"
        return "${count} ${count == 1 ? noun : plural}"
    }
}
