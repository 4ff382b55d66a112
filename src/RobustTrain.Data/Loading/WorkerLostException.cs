namespace RobustTrain.Data.Loading;

/// <summary>Ends a worker thread as if it had been killed: an injected fault.</summary>
internal sealed class WorkerLostException(string message) : Exception(message);
