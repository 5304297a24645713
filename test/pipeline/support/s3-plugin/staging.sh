export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=5

nxf_s3_upload() {
    if [[ $1 == - ]]; then aws --region REGION s3 cp --only-show-errors --storage-class STANDARD - "$2"
    elif [[ -d $1 ]]; then aws --region REGION s3 cp --only-show-errors --recursive --storage-class STANDARD "$1" "$2/$1"
    else aws --region REGION s3 cp --only-show-errors --storage-class STANDARD "$1" "$2/$1"
    fi
}

nxf_s3_download() {
    local folders=$(aws --region REGION s3 ls $1 | grep -F "PRE $(basename $1)/" -c)
    if [[ $folders == 1 ]]; then aws --region REGION s3 cp --only-show-errors --recursive "$1" "$2"
    else aws --region REGION s3 cp --only-show-errors "$1" "$2"
    fi
}

nxf_parallel() {
    local command process processes=()
    for command in "$@"; do eval "$command" & processes+=($!); done
    for process in "${processes[@]}"; do wait $process || return; done
}
