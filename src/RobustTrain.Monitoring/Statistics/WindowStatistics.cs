namespace RobustTrain.Monitoring.Statistics;

/// <summary>The least, greatest and mean value of a window; all null where it holds none.</summary>
public readonly record struct WindowStatistics(double? Min, double? Max, double? Mean);
