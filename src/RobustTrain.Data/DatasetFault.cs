namespace RobustTrain.Data;

/// <summary>What is wrong with one file of a dataset.</summary>
/// <param name="Message">One sentence that names the file.</param>
/// <param name="Path">The file.</param>
public sealed record DatasetFault(string Message, string Path);
