using RobustTrain.Host.Commands;

return RobustTrainCommand.Run(args);
