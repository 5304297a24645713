// Calls the readers of the pipeline's head (lib/) on a list of files, in one run of Nextflow, for fuzz/pipeline/head.ts.

workflow {
    home = file(params.home)
    cases = new groovy.json.JsonSlurper().parse(file(params.cases).toFile())
    answers = cases.collect { item -> answer(item, home) }
    file(params.answers).text = groovy.json.JsonOutput.toJson(answers)
}

def answer(item, home) {
    try {
        if (item.format == 'samplesheet') return [value: InputFiles.resolve(item.path, 'input').collect { found -> found.source }]
        def parameters = parametersIn(item.path)
        if (parameters == null) return [error: 'not a file of parameters', kind: 'NotRead']
        Parameters.check(parameters, home)
        return [value: []]
    }
    catch (Throwable problem) {
        return [error: problem.message ?: '', kind: problem.class.simpleName]
    }
}

/** As Nextflow reads -params-file; null where it would refuse it. */
def parametersIn(path) {
    try {
        def read = new groovy.json.JsonSlurper().parse(file(path).toFile(), 'UTF-8')
        return read instanceof Map ? read : null
    }
    catch (Throwable _problem) {
        return null
    }
}
