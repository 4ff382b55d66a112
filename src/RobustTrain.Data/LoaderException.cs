namespace RobustTrain.Data;

/// <summary>The loader can't be set up as it was asked for, for example because its ring does not fit into memory. One sentence for the operator.</summary>
public sealed class LoaderException(string message, Exception? innerException = null)
    : Exception(message, innerException);
