// Parses scripts (.nf) and configurations (.config) by Nextflow's strict syntax, as `nextflow lint` of 25.04 does, and prints what it
// refuses: "file:line:column: message". Arguments: the folder of the pipeline's classes, then the files. Exits with 1 if a line was printed.
import nextflow.config.control.ConfigParser
import nextflow.script.control.ScriptParser
import org.codehaus.groovy.control.messages.SyntaxErrorMessage

// The parser looks up the names of classes only, so empty classes stand in for those of lib/, which would need all of Nextflow.
def classes = new GroovyClassLoader()
new File(args[0]).eachFileMatch(~/.*\.groovy/) { file -> classes.parseClass("class ${file.name - '.groovy'} {}") }
Thread.currentThread().contextClassLoader = classes

def (configs, scripts) = args.drop(1).collect { name -> new File(name) }.split { file -> file.name.endsWith('.config') }
def problems = [[new ScriptParser(), scripts], [new ConfigParser(), configs]].collectMany { parser, files ->
    def sources = files.collect { file -> parser.parse(file) }
    parser.analyze()
    sources.collectMany { source ->
        (source.errorCollector.errors ?: []).collect { message ->
            def where = message instanceof SyntaxErrorMessage ? "${message.cause.line}:${message.cause.startColumn}: ${message.cause.originalMessage}" : message
            "${source.name}:${where}".toString()
        }
    }
}
// The parser of 25.04.0 resolves neither variables nor inputs of a process in closures of a configuration; its successors do.
def unresolved = ~/.*\.config:\d+:\d+: `\w+` (is not defined|was assigned but not declared)/
def found = problems.findAll { problem -> !(problem ==~ unresolved) }
found.each { problem -> println(problem) }
System.exit(found ? 1 : 0)
