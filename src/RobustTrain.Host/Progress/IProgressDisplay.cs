using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Progress;

/// <summary>Shows people how far the work is; disposing of it leaves the terminal as it was.</summary>
internal interface IProgressDisplay : IRunJournal, IDisposable;
