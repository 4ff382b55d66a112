using RobustTrain.Data.Loading;
using RobustTrain.Host.Commands;

// A worker has to be there within tens of milliseconds, so nothing of the command line is loaded for it.
return args is [WorkerCommand.Verb] ? LoaderWorkerProcess.Run() : RobustTrainCommand.Run(args);
