using RobustTrain.Data.Loading;
using RobustTrain.Data.Stacks;
using RobustTrain.Host.Commands;

// A worker has to be there within tens of milliseconds, so nothing of the command line is loaded for it.
return args switch
{
    [WorkerCommand.Verb] => LoaderWorkerProcess.Run(),
    [WorkerCommand.StackVerb, var process, var thread] => ThreadStackProcess.Run(process, thread),
    _ => RobustTrainCommand.Run(args),
};
